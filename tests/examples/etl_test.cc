#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/examples/program.h"
#include "tests/examples/screen.h"
#include "tests/examples/terminal.h"

using testing::content_of;
using testing::outcome;
using testing::program;
using testing::run;
using testing::scratch;
using testing::screen;
using testing::shell;
using testing::terminal;

namespace {

outcome etl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "examples/etl");
  return run(std::move(arguments));
}

std::vector<std::string> rows_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> rows;
  for (std::string row; std::getline(in, row);)
    if (row != "id,region,quantity,price") rows.push_back(row);
  return rows;
}

// Only what etl itself makes: ThreadSanitizer has a file there, too, before the program begins.
bool has_etl_folder(const std::string& folder) {
  const std::filesystem::directory_iterator entries(folder);
  return std::any_of(begin(entries), end(entries),
                     [](const auto& e) { return e.path().filename().string().starts_with("etl-"); });
}

// What etl should make of `rows`, by other means than its own.
struct expectation {
  explicit expectation(const std::vector<std::string>& rows, std::size_t first = SIZE_MAX) {
    const std::regex good(R"((\d+),(north|east|south|west),([1-9]\d{0,2}),(\d{1,4})\.(\d\d))");
    for (std::size_t i = 0; i < std::min(first, rows.size()); ++i) {
      std::smatch match;
      if (!std::regex_match(rows[i], match, good)) {
        bad.push_back(rows[i]);
        continue;
      }
      auto& [count, quantity, cents] = regions[match[2]];
      ++count;
      quantity += std::stoll(match[3]);
      cents += std::stoll(match[3]) * std::stoll(match[4].str() + match[5].str());
    }
    std::sort(bad.begin(), bad.end());
  }
  // As --json prints it.
  std::string json() const {
    std::string text = "\"regions\": [";
    for (const char* name : {"north", "east", "south", "west"}) {
      const auto at = regions.find(name);
      const auto [count, quantity, cents] = at == regions.end() ? sums{} : at->second;
      text += std::string(text.ends_with('[') ? "" : ", ") + "{\"region\": \"" + name +
              "\", \"rows\": " + std::to_string(count) + ", \"quantity\": " + std::to_string(quantity) +
              ", \"cents\": " + std::to_string(cents) + "}";
    }
    return text + "]";
  }

  struct sums {
    std::int64_t count = 0, quantity = 0, cents = 0;
  };
  std::map<std::string, sums> regions;
  std::vector<std::string> bad;  // sorted
};

std::int64_t number_in(const std::string& json, const std::string& key) {
  const auto at = json.find("\"" + key + "\": ");
  REQUIRE(at != std::string::npos);
  return std::stoll(json.substr(at + key.size() + 4));
}

// Feeds a pipe with rows without end, until nobody reads any more.
class endless_rows {
 public:
  explicit endless_rows(const std::string& path) {
    signal(SIGPIPE, SIG_IGN);
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    feeder_ = std::thread([this, path] {
      const int fd = open(path.c_str(), O_WRONLY);
      for (int i = 0; fd >= 0; ++i) {
        const std::string row = i % 10 == 9 ? "bad row " + std::to_string(i)
                                            : std::to_string(i) + ",east," + std::to_string(i % 7 + 1) + ",1.50";
        rows_.push_back(row);
        if (write(fd, (row + "\n").c_str(), row.size() + 1) != static_cast<ssize_t>(row.size() + 1)) break;
      }
      close(fd);
    });
  }
  // All that it has written, after the reader has ended.
  const std::vector<std::string>& rows() {
    feeder_.join();
    return rows_;
  }

 private:
  std::vector<std::string> rows_;
  std::thread feeder_;
};

struct term {
  explicit term(const char* name = "xterm") { setenv("TERM", name, 1); }
};

}  // namespace

TEST_CASE("the dead-letter file holds exactly the bad rows, and the sums are those of the others") {
  const scratch s;
  const auto done = etl({"--rows", "20000", "--bad", "777", "--keep", s / "sales.csv", "--dead-letters", s / "bad.csv",
                         "--parallel", "4", "--json"});
  CHECK(done.status == 0);
  const auto rows = rows_of(content_of(s / "sales.csv"));
  CHECK(rows.size() == 20000);
  const expectation expected(rows);
  CHECK(expected.bad.size() == 777);
  auto letters = rows_of(content_of(s / "bad.csv"));
  std::sort(letters.begin(), letters.end());
  CHECK(letters == expected.bad);
  CHECK(done.out.starts_with("{\"rows\": 20000, \"good\": 19223, \"bad\": 777, \"stopped\": false, "));
  CHECK_THAT(done.out, Catch::Contains(expected.json()));
}

TEST_CASE("each kind of bad row is found, and what is only odd is not") {
  const scratch s;
  const std::vector<std::string> bad{"",
                                     "1,north,2",
                                     "1,north,2,3.00,4",
                                     "one,north,2,3.00",
                                     ",north,2,3.00",
                                     "1,North,2,3.00",
                                     "1,,2,3.00",
                                     "1,north,0,3.00",
                                     "1,north,-2,3.00",
                                     "1,north,1001,3.00",
                                     "1,north,2.5,3.00",
                                     "1,north,99999999999999999999,3.00",
                                     "1,north,2,10000.00",
                                     "1,north,2,3",
                                     "1,north,2,3.0",
                                     "1,north,2,3.000",
                                     "1,north,2,.00",
                                     "1,north,2,3.-1",
                                     "1,north,2,-3.00",
                                     "1,north,2,3.00\r",
                                     "1;north;2;3.00",
                                     std::string("1,north,2,3.00\0", 15)};
  std::string file = "id,region,quantity,price\n1,north,1000,0.00\n2,west,1,9999.99\n";
  for (const std::string& row : bad) file += row + "\n";
  file += "id,region,quantity,price\n";  // a header only where a header stands
  file += "3,south,1,0.01";              // without an end
  const auto done = etl({"--input", s.file("in", file), "--dead-letters", s / "bad", "--json"});
  auto letters = rows_of(content_of(s / "bad"));
  CHECK(number_in(done.out, "bad") == static_cast<std::int64_t>(bad.size()) + 1);
  auto expected = bad;
  std::sort(letters.begin(), letters.end());
  std::sort(expected.begin(), expected.end());
  CHECK(letters == expected);
  CHECK(number_in(done.out, "good") == 3);
  CHECK_THAT(done.out, Catch::Contains("{\"region\": \"west\", \"rows\": 1, \"quantity\": 1, \"cents\": 999999}"));
  CHECK(done.status == 0);
}

TEST_CASE("no rows, no bad rows, and nothing but bad rows are all right") {
  CHECK(etl({"--rows", "0"}).out.find("\n0 rows: 0 good, 0 bad; ") != std::string::npos);
  CHECK(etl({"--rows", "1000", "--bad", "0"}).out.find("\n1000 rows: 1000 good, 0 bad; ") != std::string::npos);
  CHECK(etl({"--rows", "1000", "--bad", "100%"}).out.find("\n1000 rows: 0 good, 1000 bad; ") != std::string::npos);
}

TEST_CASE("the rows that it makes are always the same") {
  const scratch s;
  etl({"--rows", "1000", "--quiet", "--keep", s / "one"});
  etl({"--rows", "1000", "--quiet", "--keep", s / "two"});
  CHECK(content_of(s / "one") == content_of(s / "two"));
}

TEST_CASE("through a pipe there is one plain line of view, and the sums") {
  const auto done = shell("examples/etl --rows 2000 2>&1 | cat");
  CHECK(done.out.find('\x1b') == std::string::npos);
  CHECK_THAT(done.out, Catch::StartsWith("sales: 2.00k  in ") && Catch::Contains("  20 errors") &&
                           Catch::Contains("\nregion ") && Catch::Contains("\n2000 rows: 1980 good, 20 bad; "));
  CHECK(std::count(done.out.begin(), done.out.end(), '\n') == 9);
}

TEST_CASE("on a terminal the view is redrawn, and its final state stays above the sums") {
  const term xterm;
  const scratch s;
  terminal t;
  {
    endless_rows pipe(s / "pipe");
    program p({"examples/etl", "--input", s / "pipe", "--drain"}, t.path(), t.path());
    t.wait_for("reduce");
    t.wait_for("errors");
    p.send(SIGINT);
    CHECK(p.wait().status == 130);
    pipe.rows();
  }
  const auto shown = screen(t.screen()).lines();
  REQUIRE(shown.size() == 3 + 6 + 2);
  CHECK_THAT(shown[0],
             Catch::StartsWith("sales  ") && Catch::Contains("  drained after ") && Catch::Contains("errors"));
  CHECK_THAT(shown[1], Catch::StartsWith("  source+header -> [0/") && Catch::Contains("] -> parse"));
  CHECK_THAT(shown[3], Catch::StartsWith("region "));
  CHECK_THAT(shown.back(), Catch::Contains(", then stopped: "));
}

TEST_CASE("stopped by SIGINT with --drain its sums match what it says it processed") {
  const term dumb("dumb");
  const scratch s;
  endless_rows pipe(s / "pipe");
  program p({"examples/etl", "--input", s / "pipe", "--drain", "--json", "--parallel", "3", "--dead-letters", s / "bad",
             "--quiet"},
            s / "out");
  while (content_of(s / "bad").size() < 10'000) {
  }
  p.send(SIGINT);
  const auto done = p.wait();
  CHECK(done.status == 130);
  CHECK(done.err.empty());
  const auto& rows = pipe.rows();
  const std::string out = content_of(s / "out");
  const auto processed = static_cast<std::size_t>(number_in(out, "rows"));
  REQUIRE(processed <= rows.size());
  CHECK(processed > 5000);
  // It says that it was stopped after so many rows: its sums are those of exactly the first so many.
  const expectation expected(rows, processed);
  CHECK_THAT(out, Catch::Contains("\"stopped\": true") && Catch::Contains(expected.json()));
  CHECK(number_in(out, "bad") == static_cast<std::int64_t>(expected.bad.size()));
  CHECK(number_in(out, "good") == static_cast<std::int64_t>(processed - expected.bad.size()));
  auto letters = rows_of(content_of(s / "bad"));
  std::sort(letters.begin(), letters.end());
  CHECK(letters == expected.bad);
}

TEST_CASE("without --drain the first SIGINT cancels, and there are no sums") {
  const scratch s;
  endless_rows pipe(s / "pipe");
  program p({"examples/etl", "--input", s / "pipe", "--dead-letters", s / "bad"}, s / "out");
  while (content_of(s / "bad").size() < 10'000) {
  }
  p.send(SIGINT);
  const auto done = p.wait();
  CHECK(done.status == 130);
  CHECK(content_of(s / "out").empty());
  CHECK_THAT(done.err, Catch::StartsWith("sales: ") && Catch::Contains("cut short after"));
  pipe.rows();
}

TEST_CASE("the temporary folder goes, also when SIGINT comes") {
  const scratch s;
  setenv("TMPDIR", (s / "").c_str(), 1);
  CHECK(etl({"--rows", "100", "--quiet"}).status == 0);
  CHECK_FALSE(has_etl_folder(s / ""));
  {
    program p({"examples/etl", "--rows", "1000000000", "--quiet"});
    while (!has_etl_folder(s / "")) {
    }
    p.send(SIGINT);
    CHECK(p.wait().status == 130);
  }
  unsetenv("TMPDIR");
  CHECK_FALSE(has_etl_folder(s / ""));
}

TEST_CASE("what cannot be read or written is named, and the status is 1") {
  const scratch s;
  const auto missing = etl({"--quiet", "--input", s / "nowhere"});
  CHECK_THAT(missing.err,
             Catch::Contains("etl: stage \"source\": lines: open " + s / "nowhere" + ": No such file or directory"));
  CHECK(missing.status == 1);
  const auto no_folder = etl({"--quiet", "--rows", "10", "--dead-letters", s / "nowhere/bad"});
  CHECK(no_folder.err == "etl: " + s / "nowhere/bad" + ": No such file or directory\n");
  CHECK(no_folder.status == 1);
  const auto full = etl({"--quiet", "--rows", "10000", "--bad", "100%", "--dead-letters", "/dev/full"});
  CHECK(full.err == "etl: /dev/full: No space left on device\n");
  CHECK(full.status == 1);
  const auto result = program({"examples/etl", "--quiet", "--rows", "10"}, "/dev/full").wait();
  CHECK(result.err == "etl: the result cannot be written: No space left on device\n");
  CHECK(result.status == 1);
}

TEST_CASE("a bad option is refused with the rule and the value") {
  struct refusal {
    std::vector<std::string> arguments;
    std::string message;
  };
  const auto r = GENERATE(values<refusal>({
      {{"--row", "5"}, "there is no option --row. See --help; a file to read goes behind --input."},
      {{"sales.csv"}, "there is no option sales.csv. See --help; a file to read goes behind --input."},
      {{"--rows"}, "--rows takes a value, and none follows. See --help."},
      {{"--rows=many"}, "--rows takes a whole number from 0 to 1000000000; got \"many\". See --help."},
      {{"--bad", "101%"}, "--bad takes a whole number from 0 to 100; got \"101\". See --help."},
      {{"--rows", "5", "--bad", "6"}, "--bad takes a whole number from 0 to 5; got \"6\". See --help."},
      {{"--parallel", "0"}, "--parallel takes a whole number from 1 to 1024; got \"0\". See --help."},
      {{"--drain=yes"}, "--drain takes no value. Write --drain."},
  }));
  const auto done = etl(r.arguments);
  CHECK(done.err == "etl: " + r.message + "\n");
  CHECK(done.out.empty());
  CHECK(done.status == 2);
}

TEST_CASE("--help explains itself and reads nothing") {
  const auto done = etl({"--help", "--input", "nowhere"});
  CHECK(done.out.starts_with("Usage: etl [--rows N] "));
  CHECK(done.status == 0);
}
