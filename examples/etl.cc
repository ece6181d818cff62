// etl: reads sales from a CSV file, parses them on several actors, keeps the bad rows, and sums up the good ones.
//
//   lines -> [queue] -> parse, several at once -> [queue] -> sum up
//                         |
//                         +--- bad rows ---> dead letters, a file
//
// The pipeline itself is in sum_up(); how it is stopped is in run_to_the_end() and drain_on_interrupt().
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "weir/channels/pipeline/pipeline.h"
#include "weir/weir.h"

namespace {

const char* const help_text =
    R"(Usage: etl [--rows N] [--bad N|P%] [--input FILE] [--keep FILE] [--dead-letters FILE]
           [--parallel N] [--workers N] [--drain] [--json] [--quiet]

Sums up the sales in a CSV file by region. Each row is id,region,quantity,price
with a region of north, east, south, west, a quantity from 1 to 1000 and a
price from 0.00 to 9999.99; the first row may be a header.

  --input FILE         read this file; without it etl makes one of its own, always
                       the same, in a temporary folder that goes at the end
  --rows N             rows in that file, 0 to 1000000000 (default: 1000000)
  --bad N, --bad P%    how many of them are bad (default: 1%)
  --keep FILE          make that file here, and keep it
  --dead-letters FILE  write the bad rows there, as they were, in no certain order;
                       without it they are only counted
  --parallel N         actors that parse, 1 to 1024 (default: one per core)
  --workers N          threads that run actors, 1 to 1024 (default: one per core)
  --drain              Ctrl-C stops the reading; what was read goes through, and the
                       sums are those of the rows up to there. A second one cancels.
                       Without --drain the first Ctrl-C cancels, and there are no sums
  --json               print one JSON object
  --quiet              no live view
  --help               this text

The live view goes to standard error: on a terminal it is redrawn (NO_COLOR is
honoured), elsewhere it is a line every 10 seconds and one at the end.

Exit status: 0; 1 if something could not be read or written; 2 for bad options;
130 if Ctrl-C stopped it, with or without sums.
)";

// ---- options ----

class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct options {
  std::int64_t rows = 1'000'000;
  std::int64_t bad = 0;
  std::string input, keep, dead_letters;
  std::optional<int> workers;
  int parallel = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  bool drain = false, json = false, quiet = false, help = false;
};

std::int64_t number(const std::string& option, std::string_view text, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < least || value > most)
    throw usage_error(option + " takes a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                      "; got \"" + std::string(text) + "\". See --help.");
  return value;
}

options parse_options(const std::vector<std::string>& arguments) {
  options o;
  std::string bad = "1%";
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    // "--rows=5" is "--rows 5".
    const std::size_t equals = at->find('=');
    const std::string name = at->substr(0, equals);
    const auto value = [&]() -> std::string {
      if (equals != std::string::npos) return at->substr(equals + 1);
      if (at + 1 == arguments.end()) throw usage_error(name + " takes a value, and none follows. See --help.");
      return *++at;
    };
    const auto flag = [&](bool& which) {
      if (equals != std::string::npos) throw usage_error(name + " takes no value. Write " + name + ".");
      which = true;
    };
    if (name == "--rows")
      o.rows = number(name, value(), 0, 1'000'000'000);
    else if (name == "--bad")
      bad = value();
    else if (name == "--input")
      o.input = value();
    else if (name == "--keep")
      o.keep = value();
    else if (name == "--dead-letters")
      o.dead_letters = value();
    else if (name == "--parallel")
      o.parallel = static_cast<int>(number(name, value(), 1, 1024));
    else if (name == "--workers")
      o.workers = static_cast<int>(number(name, value(), 1, 1024));
    else if (name == "--drain")
      flag(o.drain);
    else if (name == "--json")
      flag(o.json);
    else if (name == "--quiet")
      flag(o.quiet);
    else if (name == "--help")
      flag(o.help);
    else
      throw usage_error("there is no option " + *at + ". See --help; a file to read goes behind --input.");
  }
  if (bad.ends_with('%'))
    o.bad = o.rows * number("--bad", std::string_view(bad).substr(0, bad.size() - 1), 0, 100) / 100;
  else
    o.bad = number("--bad", bad, 0, o.rows);
  return o;
}

// ---- the rows ----

constexpr std::array<std::string_view, 4> regions{"north", "east", "south", "west"};
constexpr std::string_view header = "id,region,quantity,price";

struct sale {
  std::size_t region = 0;
  std::int64_t quantity = 0;
  std::int64_t cents = 0;
};

// A whole number from 0 on that is all of `text`.
std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || text.front() == '-' || error != std::errc() || stopped != end) return {};
  return value;
}

sale parse(const std::string& row) {
  std::array<std::string_view, 4> columns;
  std::size_t count = 0;
  for (std::string_view rest = row;;) {
    const std::size_t comma = rest.find(',');
    if (count == columns.size()) throw std::invalid_argument("more than four columns");
    columns[count++] = rest.substr(0, comma);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (count < columns.size()) throw std::invalid_argument("less than four columns");
  const auto& [id, region, quantity, price] = columns;

  sale s;
  if (!whole_number(id)) throw std::invalid_argument("the id is no number");
  const auto* const found = std::find(regions.begin(), regions.end(), region);
  if (found == regions.end()) throw std::invalid_argument("no such region");
  s.region = static_cast<std::size_t>(found - regions.begin());
  const auto pieces = whole_number(quantity);
  if (!pieces || *pieces < 1 || *pieces > 1000) throw std::invalid_argument("a quantity out of range");
  s.quantity = *pieces;
  const std::size_t point = price.find('.');
  const auto units = whole_number(price.substr(0, point));
  const auto cents = point == std::string_view::npos ? std::nullopt : whole_number(price.substr(point + 1));
  if (!units || *units > 9999 || !cents || price.size() - point != 3) throw std::invalid_argument("the price is none");
  s.cents = *units * 100 + *cents;
  return s;
}

// Origin: SplitMix64 (Steele, Lea, Flood, 2014): the same rows every time, each from its number alone.
std::uint64_t scramble(std::uint64_t n) {
  n = (n + 1) * 0x9e3779b97f4a7c15u;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
  n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
  return n ^ (n >> 31);
}

// Row `i`, from 0. `bad` of all `rows` break a rule, spread evenly.
std::string make_row(std::int64_t i, std::int64_t rows, std::int64_t bad) {
  const std::uint64_t dice = scramble(static_cast<std::uint64_t>(i));
  const std::string id = std::to_string(i + 1);
  const std::string region(regions[dice % regions.size()]);
  const std::string quantity = std::to_string((dice >> 8) % 20 + 1);
  const std::string cents = std::to_string((dice >> 16) % 100 + 100).substr(1);
  const std::string price = std::to_string((dice >> 24) % 1000) + "." + cents;
  if (i * bad / rows == (i + 1) * bad / rows) return id + "," + region + "," + quantity + "," + price;
  switch ((dice >> 40) % 6) {
    case 0:
      return id + "," + region + "," + quantity;
    case 1:
      return id + "," + region + "," + quantity + "," + price + ",late";
    case 2:
      return id + ",nowhere," + quantity + "," + price;
    case 3:
      return id + "," + region + ",-" + quantity + "," + price;
    case 4:
      return id + "," + region + "," + quantity + ",EUR " + price;
    default:
      return "";
  }
}

[[noreturn]] void throw_errno(const std::string& path) {
  throw std::system_error(errno, std::generic_category(), path);
}

// A file that is written on threads that may wait.
class output {
 public:
  explicit output(std::string path) : path_(std::move(path)) {
    weir::blocking([this] {
      file_.open(path_, std::ios::binary | std::ios::trunc);
      if (!file_) throw_errno(path_);
    });
  }
  void write(const std::string& text) {
    weir::blocking([&] {
      if (!file_.write(text.data(), static_cast<std::streamsize>(text.size())).flush()) throw_errno(path_);
    });
  }

 private:
  std::string path_;
  std::ofstream file_;
};

void make_input(const std::string& path, const options& o) {
  output file(path);
  std::string block(header);
  block += '\n';
  for (std::int64_t i = 0; i < o.rows; ++i) {
    block += make_row(i, o.rows, o.bad) + '\n';
    if (block.size() < std::size_t{1} << 20) continue;
    file.write(block);
    block.clear();
  }
  file.write(block);
}

// A folder that goes with the object.
class temporary_folder {
 public:
  temporary_folder() : path_((std::filesystem::temp_directory_path() / "etl-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw_errno(path_);
  }
  temporary_folder(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// ---- what comes of them ----

struct totals {
  std::int64_t rows = 0, quantity = 0, cents = 0;

  void add(std::int64_t r, std::int64_t q, std::int64_t c) { rows += r, quantity += q, cents += c; }
};
using sums = std::array<totals, regions.size()>;

sums add_sale(sums all, const sale& s) {
  all[s.region].add(1, s.quantity, s.quantity * s.cents);
  return all;
}

struct result {
  sums by_region{};
  std::int64_t rows = 0;  // without the header
  std::int64_t bad = 0;
  bool stopped = false;  // by SIGINT, and drained
  weir::pipeline_report report;
};

using letter = weir::failed_item<std::string>;

// Writes the bad rows, and returns how many there were.
std::int64_t keep_letters(const weir::receiver<letter>& letters, const std::string& path) {
  std::optional<output> file;
  if (!path.empty()) file.emplace(path);
  std::int64_t count = 0;
  std::vector<letter> some;
  for (; letters.recv_many(some, 256) > 0; some.clear()) {
    count += static_cast<std::int64_t>(some.size());
    std::string block;
    for (const letter& l : some) block += l.value + '\n';
    if (file) file->write(block);
  }
  return count;
}

// Waits for the end of the pipeline or for SIGINT, which stops the source; what is under way goes through. True: it did
// come. After a second SIGINT wait() throws.
bool drain_on_interrupt(weir::running_pipeline<sums>& run) {
  bool stopped = false;
  weir::select(weir::on_exit(run.actor(), [] {}), weir::on_signal(SIGINT, [&] { stopped = true; }));
  if (!stopped) return false;
  bool drained = false;
  weir::with_scope([&](weir::scope& s) {
    s.spawn("second Ctrl-C", [&s] { weir::select(weir::on_signal(SIGINT, [&s] { s.cancel(); })); });
    drained = run.drain();
    s.cancel();  // nobody needs to wait for it any more
  });
  if (!drained) run.cancel();
  return true;
}

result sum_up(const std::string& path, const options& o) {
  result r;
  auto bad_rows = weir::channel<letter>(256, "bad rows");  // its receiver stays: if the writer fails, that is the error
  weir::with_scope([&](weir::scope& s) {
    auto writer = s.spawn("dead letters", [&] { return keep_letters(bad_rows.rx, o.dead_letters); });

    const auto no_header = [first = true](const std::string& row) mutable {
      return !std::exchange(first, false) || row != header;
    };
    weir::running_pipeline<sums> run =
        weir::lines(path) | weir::filter(no_header, {.name = "header"}) |
        weir::map(parse, {.parallel = o.parallel, .order = weir::unordered, .name = "parse"}) |
        weir::on_error(weir::dead_letter(std::move(bad_rows.tx))) | weir::reduce(sums{}, add_sale) |
        weir::start({.name = "sales", .progress = !o.quiet});

    if (o.drain) r.stopped = drain_on_interrupt(run);
    auto [by_region, report] = run.wait();
    r.by_region = by_region;
    r.bad = writer.join();
    for (const weir::stage_report& stage : report.stages)
      if (stage.name == "parse") r.rows = stage.in;
    r.report = std::move(report);
  });
  return r;
}

// ---- what is printed ----

std::string format(const char* form, auto... values) {
  std::array<char, 256> line{};
  std::snprintf(line.data(), line.size(), form, values...);
  return line.data();
}

totals whole(const result& r) {
  totals all;
  for (const totals& t : r.by_region) all.add(t.rows, t.quantity, t.cents);
  return all;
}
double seconds(const result& r) { return std::chrono::duration<double>(r.report.took).count(); }

std::string as_text(const result& r) {
  std::string out = format("%-8s %12s %12s %18s\n", "region", "rows", "quantity", "revenue");
  const auto line = [&](const std::string& name, const totals& t) {
    out += format("%-8s %12jd %12jd %15jd.%02jd\n", name.c_str(), std::intmax_t{t.rows}, std::intmax_t{t.quantity},
                  std::intmax_t{t.cents / 100}, std::intmax_t{t.cents % 100});
  };
  for (std::size_t i = 0; i < regions.size(); ++i) line(std::string(regions[i]), r.by_region[i]);
  line("all", whole(r));
  out += format("\n%jd rows%s: %jd good, %jd bad; %.2f s, %.0f rows/s\n", std::intmax_t{r.rows},
                r.stopped ? ", then stopped" : "", std::intmax_t{whole(r).rows}, std::intmax_t{r.bad}, seconds(r),
                static_cast<double>(r.rows) / std::max(seconds(r), 1e-6));
  return out;
}

std::string as_json(const result& r) {
  std::string out =
      format("{\"rows\": %jd, \"good\": %jd, \"bad\": %jd, \"stopped\": %s, \"seconds\": %.6f, ", std::intmax_t{r.rows},
             std::intmax_t{whole(r).rows}, std::intmax_t{r.bad}, r.stopped ? "true" : "false", seconds(r));
  out += "\"regions\": [";
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const totals& t = r.by_region[i];
    out += format("%s{\"region\": \"%s\", \"rows\": %jd, \"quantity\": %jd, \"cents\": %jd}", i == 0 ? "" : ", ",
                  std::string(regions[i]).c_str(), std::intmax_t{t.rows}, std::intmax_t{t.quantity},
                  std::intmax_t{t.cents});
  }
  return out + "], \"pipeline\": " + r.report.json() + "}\n";
}

int print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return 0;
  throw_errno("the result cannot be written");
}

int etl(const options& o) {
  std::optional<temporary_folder> folder;
  std::string path = o.input;
  if (path.empty()) {
    path = o.keep;
    if (path.empty()) path = folder.emplace() / "sales.csv";
    make_input(path, o);
  }
  const result r = sum_up(path, o);
  weir::blocking([&] { print(o.json ? as_json(r) : as_text(r)); });
  if (whole(r).rows + r.bad != r.rows) throw std::logic_error("the sums do not hold all rows that were read");
  return r.stopped ? 128 + SIGINT : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const options o = parse_options({argv + 1, argv + argc});
    if (o.help) return print(help_text);
    return weir::run({.workers = o.workers}, [&] { return etl(o); });
  } catch (const usage_error& e) {
    std::fprintf(stderr, "etl: %s\n", e.what());
    return 2;
  } catch (const weir::actor_cancelled&) {
    return 128 + SIGINT;  // a second Ctrl-C
  } catch (const std::exception& e) {
    std::fprintf(stderr, "etl: %s\n", e.what());
    return 1;
  }
}
