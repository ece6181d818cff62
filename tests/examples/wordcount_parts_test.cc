// The parts of wordcount, where a test must step in between two calls or choose the time.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>

#include "examples/wordcount/chunk_reader.h"
#include "examples/wordcount/file_walk.h"
#include "examples/wordcount/progress.h"
#include "examples/wordcount/word_table.h"
#include "examples/wordcount/words.h"
#include "tests/examples/program.h"
#include "tests/examples/screen.h"
#include "tests/examples/terminal.h"

using namespace std::chrono_literals;
using testing::redirected_stderr;
using testing::scratch;
using wordcount::chunk;
using wordcount::chunk_reader;
using wordcount::file_walk;
using wordcount::word_table;

namespace {

// The sizes of the chunks that a file is cut into.
std::vector<std::size_t> chunk_sizes(const std::string& path) {
  chunk_reader reader(path);
  chunk c;
  std::vector<std::size_t> sizes;
  while (!reader.done()) {
    reader.fill(c);
    if (c.size > 0) sizes.push_back(c.size);
  }
  CHECK(reader.fault().empty());
  return sizes;
}

void add(word_table& table, std::string word) {
  const std::size_t length = word.size();
  word.resize(length + wordcount::text_padding);
  table.add(word.data(), length);
}

}  // namespace

TEST_CASE("lower_case changes A to Z and no other byte") {
  for (int before = 0; before < 256; ++before) {
    std::string text(8, static_cast<char>(before ^ 0xff));
    text[3] = static_cast<char>(before);
    text.resize(8 + wordcount::text_padding);
    wordcount::lower_case(text.data(), 8);
    const int after = before >= 'A' && before <= 'Z' ? before + 32 : before;
    CHECK(static_cast<unsigned char>(text[3]) == after);
  }
}

TEST_CASE("a chunk ends where a word ends, and the cut word begins the next one") {
  const scratch s;
  const std::string text = std::string(chunk::capacity - 3, 'a') + " bcdef";
  CHECK(chunk_sizes(s.file("text", text)) == std::vector<std::size_t>{chunk::capacity - 2, 5});
}

TEST_CASE("a word as long as a chunk stays whole, a longer one is cut into pieces of that length") {
  const scratch s;
  const std::string word(chunk::capacity, 'a');
  CHECK(chunk_sizes(s.file("fits", ". " + word + ".")) == std::vector<std::size_t>{2, chunk::capacity, 1});
  CHECK(chunk_sizes(s.file("long", ". " + word + word + "b")) ==
        std::vector<std::size_t>{2, chunk::capacity, chunk::capacity, 1});
}

TEST_CASE("a file that shrinks while it is read counts as far as it was read") {
  const scratch s;
  const std::string path = s.file("text", std::string(3 * chunk::capacity, '.'));
  chunk_reader reader(path);
  chunk c;
  reader.fill(c);
  CHECK(c.size == chunk::capacity);
  std::filesystem::resize_file(path, 10);
  reader.fill(c);
  CHECK(c.size == 0);
  CHECK(reader.done());
  CHECK(reader.fault().empty());
  CHECK(reader.taken() == chunk::capacity);
}

TEST_CASE("a file that vanishes between listing and reading is a fault") {
  const scratch s;
  std::filesystem::create_directory(s / "folder");
  s.file("folder/file", "word");
  file_walk walk({s / "folder"});
  file_walk::batch b;
  REQUIRE(walk.next(b));
  REQUIRE(b.files.size() == 1);
  std::filesystem::remove(s / "folder/file");
  chunk_reader reader(b.files[0].path);
  chunk c;
  reader.fill(c);
  CHECK(reader.done());
  CHECK_FALSE(reader.opened());
  CHECK(reader.fault() == "No such file or directory");
}

TEST_CASE("a folder that vanishes while its parent is listed is a fault, and the listing goes on") {
  const scratch s;
  std::filesystem::create_directories(s / "folder/inner");
  for (int i = 0; i < 300; ++i) s.file("folder/" + std::to_string(i), "");
  file_walk walk({s / "folder", s.file("last", "")});
  file_walk::batch b;
  REQUIRE(walk.next(b));
  REQUIRE(b.files.size() == 256);  // more are to come, and folders come after the files
  std::filesystem::remove(s / "folder/inner");
  REQUIRE(walk.next(b));
  CHECK(b.files.size() == 300 - 256 + 1);
  CHECK(b.files.back().path == s / "last");
  REQUIRE(b.faults.size() == 1);
  CHECK(b.faults[0].path == s / "folder/inner");
  CHECK(b.faults[0].reason == "No such file or directory");
  CHECK_FALSE(walk.next(b));
}

TEST_CASE("word_table counts as std::map does, while it grows and when it is merged") {
  std::mt19937 random(7);
  std::map<std::string, std::uint64_t> expected;
  word_table one, two;
  for (int i = 0; i < 200'000; ++i) {
    const auto n = random() % 30'000;
    // Of all lengths around the eight bytes that lie in the slot, and beyond a block of the arena.
    std::string word = std::to_string(n);
    word += std::string(n % 13, 'x');
    if (n % 5'000 == 0) word += std::string(20'000, 'y');
    ++expected[word];
    add(i % 2 == 0 ? one : two, word);
  }
  one.merge(two);
  CHECK(one.size() == expected.size());
  CHECK(one.total() == 200'000);

  std::vector<std::pair<std::string, std::uint64_t>> order(expected.begin(), expected.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  const auto top = one.top(order.size() + 1);
  REQUIRE(top.size() == order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    if (top[i].word != order[i].first || top[i].count != order[i].second)
      FAIL("differs at " << i << ": " << top[i].word);
  CHECK(one.top(3).size() == 3);
  CHECK(one.top(0).empty());
}

TEST_CASE("progress shows rate and ETA, in a line every five seconds where there is no terminal") {
  const scratch s;
  wordcount::tally t;
  t.listed = 1'010'000'000;
  t.listing = false;
  {
    const redirected_stderr err(s / "err");
    wordcount::progress p(t, false);
    const auto begin = wordcount::progress::clock::now();
    t.read = 80'000'000;
    p.tick(begin + 4s);
    CHECK(testing::content_of(s / "err").empty());
    t.read = 120'000'000;
    p.tick(begin + 6s);
    t.read = 1'010'000'000;
    p.tick(begin + 10s);
  }
  CHECK(testing::content_of(s / "err") == "wordcount: 120 MB of 1.01 GB, 20.0 MB/s, ETA 45s\n");
}

TEST_CASE("progress does not guess a whole that is still being listed") {
  const scratch s;
  wordcount::tally t;
  t.listed = 500;
  {
    const redirected_stderr err(s / "err");
    wordcount::progress p(t, false);
    p.tick(wordcount::progress::clock::now() + 6s);
  }
  CHECK(testing::content_of(s / "err") == "wordcount: 0 B of 500 B listed so far, 0 B/s, ETA unknown\n");
}

TEST_CASE("quiet progress draws nothing, but says what it is told") {
  const bool quiet = GENERATE(true, false);
  setenv("TERM", "xterm", 1);
  testing::terminal screen;
  wordcount::tally t;
  {
    const redirected_stderr err(screen.path());
    wordcount::progress p(t, quiet);
    p.tick();
    p.say("a fault");
    p.tick();
  }
  const std::string sent = screen.screen();
  CHECK((sent == "a fault\r\n") == quiet);
  CHECK(testing::screen(sent).lines() == std::vector<std::string>{"a fault"});  // the bar was wiped
}
