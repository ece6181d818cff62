// wordcount: counts the words of files and folders, on every core and in bounded memory.
//
//   lister -> files -> readers -> chunks -> parsers -> tables -> reducer -> main
//                         ^                    |
//                         +--- empty chunks ---+
//
// All chunks are made at the start and go round: when the parsers fall behind, the readers wait for an empty one.
// Readers and the lister wait for the disk on threads of weir::blocking, so that the workers only compute.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "examples/wordcount/chunk_reader.h"
#include "examples/wordcount/fault.h"
#include "examples/wordcount/file_walk.h"
#include "examples/wordcount/options.h"
#include "examples/wordcount/progress.h"
#include "examples/wordcount/report.h"
#include "examples/wordcount/tally.h"
#include "examples/wordcount/word_table.h"
#include "examples/wordcount/words.h"
#include "weir/weir.h"

namespace wordcount {

namespace {

void list_files(const std::vector<std::string>& paths, const weir::sender<listed_file>& files,
                const weir::sender<fault>& faults, tally& t) {
  file_walk walk(paths);
  file_walk::batch b;
  while (weir::blocking([&] { return walk.next(b); })) {
    for (const listed_file& f : b.files) t.listed.fetch_add(f.bytes, std::memory_order_relaxed);
    for (fault& f : b.faults)
      if (!faults.send(std::move(f))) return;
    for (listed_file& f : b.files)
      if (!files.send(std::move(f))) return;
  }
  t.listing.store(false, std::memory_order_relaxed);
}

void read_files(const weir::receiver<listed_file>& files, const weir::receiver<chunk>& empty,
                const weir::sender<chunk>& filled, const weir::sender<fault>& faults, tally& t) {
  std::optional<chunk> c = empty.recv();
  if (!c) return;
  for (listed_file& f : files) {
    chunk_reader reader(f.path);
    while (!reader.done()) {
      const std::uint64_t before = reader.taken();
      weir::blocking([&] { reader.fill(*c); });
      t.read.fetch_add(reader.taken() - before, std::memory_order_relaxed);
      if (c->size == 0) continue;
      t.text.fetch_add(c->size, std::memory_order_relaxed);
      if (!filled.send(std::move(*c))) return;
      c = empty.recv();
      if (!c) return;
    }
    t.listed.fetch_add(reader.taken() - f.bytes, std::memory_order_relaxed);  // may go down: unsigned wraps
    if (reader.opened()) t.files.fetch_add(1, std::memory_order_relaxed);
    if (!reader.fault().empty() && !faults.send({reader.path(), reader.fault()})) return;
  }
}

void count_words(const weir::receiver<chunk>& filled, const weir::sender<chunk>& empty,
                 const weir::sender<word_table>& tables) {
  word_table seen;
  for (chunk& c : filled) {
    lower_case(c.text.get(), c.size);
    for_each_word(c.text.get(), c.size, [&](const char* word, std::size_t length) { seen.add(word, length); });
    empty.send(std::move(c));         // false at the end, when no reader needs it any more
    weir::this_actor::maybe_yield();  // counting keeps the core; others want their turn
  }
  tables.send(std::move(seen));
}

word_table merge_tables(const weir::receiver<word_table>& tables) {
  std::optional<word_table> all = tables.recv();
  for (word_table& t : tables) weir::blocking([&] { all->merge(t); });  // computes for long, so not on a worker
  return all ? std::move(*all) : word_table();
}

report count(const options& o, int workers) {
  const auto begin = std::chrono::steady_clock::now();
  // Unpacking keeps a core busy too; with few workers, more readers keep the disk busy.
  const int readers = std::max(workers, 4);
  const int chunks = 2 * workers + readers;
  report r;
  tally t;
  progress bar(t, o.quiet);
  const auto name = [&](const fault& f) {
    ++r.faults;
    weir::blocking([&] { bar.say("wordcount: " + describe(f)); });  // may wait: a terminal can be stopped
  };

  r.table = weir::with_scope([&](weir::scope& s) {
    auto [found, files] = weir::channel<listed_file>(256, "files");
    auto [filled, to_count] = weir::channel<chunk>(workers, "filled chunks");
    auto [emptied, to_fill] = weir::channel<chunk>(chunks, "empty chunks");
    auto [counted, tables] = weir::channel<word_table>(0, "tables");
    auto [complaint, faults] = weir::channel<fault>(64, "faults");
    auto [merged, result] = weir::channel<word_table>(1, "result");
    for (int i = 0; i < chunks; ++i) emptied.send(chunk());

    s.spawn("lister",
            [&, found = std::move(found), complaint = complaint] { list_files(o.paths, found, complaint, t); });
    for (int i = 0; i < readers; ++i)
      s.spawn("reader", [&t, files, to_fill, filled, complaint] { read_files(files, to_fill, filled, complaint, t); });
    for (int i = 0; i < workers; ++i)
      s.spawn("parser", [to_count, emptied, counted] { count_words(to_count, emptied, counted); });
    s.spawn("reducer", [tables = std::move(tables), merged = std::move(merged)] { merged.send(merge_tables(tables)); });
    // Now the actors hold the only ends that they need: each channel closes when those who send into it have ended.
    files.reset(), filled.reset(), to_count.reset(), emptied.reset(), to_fill.reset(), counted.reset();
    complaint.reset();

    std::optional<word_table> all;
    bool more_faults = true;
    const auto on_fault = [&](std::optional<fault> f) {
      more_faults = f.has_value();
      if (f) name(*f);
    };
    const auto on_result = [&](std::optional<word_table> table) { all = std::move(table); };
    const auto on_beat = [&] { weir::blocking([&] { bar.tick(); }); };
    weir::ticker beat(progress::beat);
    while (more_faults || !all)
      weir::select(weir::on_recv(faults, on_fault).when(more_faults), weir::on_recv(result, on_result).when(!all),
                   weir::on_tick(beat, on_beat));
    return std::move(*all);
  });

  weir::blocking([&] { r.top = r.table.top(o.top); });  // the same
  r.files = t.files.load(std::memory_order_relaxed);
  r.bytes = t.text.load(std::memory_order_relaxed);
  r.words = r.table.total();
  r.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return r;
}

// Prints the result; false, with a message, if it cannot be written, to a full disk for one.
bool print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return true;
  std::fprintf(stderr, "wordcount: the result cannot be written: %s\n", reason_of(errno).c_str());
  return false;
}

int run(const std::vector<std::string>& arguments) {
  const options o = parse_options(arguments);
  if (o.help) return print(help_text) ? 0 : 1;
  weir::runtime runtime({.workers = o.workers});
  const report r = runtime.run([&] { return count(o, runtime.workers()); });
  return print(o.json ? as_json(r) : as_text(r)) && r.faults == 0 ? 0 : 1;
}

}  // namespace

}  // namespace wordcount

int main(int argc, char** argv) {
  try {
    return wordcount::run({argv + 1, argv + argc});
  } catch (const wordcount::usage_error& e) {
    std::fprintf(stderr, "wordcount: %s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "wordcount: %s\n", e.what());
    return 1;
  }
}
