// What wordcount does with bad input and with a terminal. That it counts right is in wordcount_counts_test.cc.
#include <stdlib.h>
#include <sys/stat.h>

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

outcome wordcount(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "examples/wordcount");
  return run(std::move(arguments));
}

// The words and counts, without the totals behind the empty line.
std::string counts(const outcome& done) { return done.out.substr(0, done.out.find("\n\n") + 1); }

void gzip(const std::string& content, const std::string& path) {
  const scratch s;
  REQUIRE(shell("gzip -n < " + s.file("plain", content) + " >> " + path).status == 0);
}

}  // namespace

TEST_CASE("words are letters, digits, apostrophes and high bytes, in lower case, the most frequent first") {
  const scratch s;
  const auto done = wordcount({s.file("a", "It's a B-52, caf\xc3\xa9! IT'S\r\nA_a \xff\xfe b\n\n'")});
  CHECK(counts(done) ==
        "      3 a\n      2 b\n      2 it's\n      1 '\n      1 52\n      1 caf\xc3\xa9\n      1 \xff\xfe\n");
  CHECK(done.out.find("\n\n1 file, 37 bytes, 11 words, 7 distinct, ") != std::string::npos);
  CHECK(done.err.empty());
  CHECK(done.status == 0);
}

TEST_CASE("--top limits the words, and 0 leaves the totals") {
  const scratch s;
  const std::string file = s.file("a", "b a c a b a");
  CHECK(counts(wordcount({"--top", "2", file})) == "      3 a\n      2 b\n");
  CHECK(wordcount({"--top=0", file}).out.starts_with("1 file, 11 bytes, 6 words, 3 distinct, "));
}

TEST_CASE("an empty file and an empty folder have no words") {
  const scratch s;
  const auto file = wordcount({s.file("empty", "")});
  CHECK(file.out.starts_with("1 file, 0 bytes, 0 words, 0 distinct, "));
  CHECK(file.status == 0);
  std::filesystem::create_directory(s / "folder");
  const auto folder = wordcount({s / "folder"});
  CHECK(folder.out.starts_with("0 files, 0 bytes, 0 words, 0 distinct, "));
  CHECK(folder.status == 0);
}

TEST_CASE("a folder is entered to any depth, its links are skipped, and a given link is followed") {
  const scratch s;
  std::filesystem::create_directories(s / "top/middle/deep");
  s.file("top/one", "x");
  s.file("top/middle/deep/two", "x");
  std::filesystem::create_symlink("one", s / "top/link");
  std::filesystem::create_directory_symlink("..", s / "top/middle/round");
  std::filesystem::create_directory_symlink("top", s / "given");
  REQUIRE(mkfifo((s / "top/pipe").c_str(), 0600) == 0);  // to read it would take for ever
  CHECK(counts(wordcount({s / "given"})) == "      2 x\n");
  CHECK(counts(wordcount({s / "top/link"})) == "      1 x\n");
  CHECK(counts(wordcount({s / "top/one", s / "top/one"})) == "      2 x\n");
}

TEST_CASE("--json prints one object with the same figures") {
  const scratch s;
  const auto done =
      wordcount({"--json", "--top", "3", s.file("a", "caf\xc3\xa9 caf\xe9 caf\xe9 x x x"), s / "nowhere"});
  CHECK(done.out.starts_with(R"({"files": 1, "bytes": 21, "words": 6, "distinct": 3, "faults": 1, "seconds": )"));
  CHECK(done.out.ends_with(R"("top": [{"word": "x", "count": 3}, {"word": "caf\u00e9", "count": 2}, )"
                           "{\"word\": \"caf\xc3\xa9\", \"count\": 1}]}\n"));
  CHECK(done.status == 1);
}

TEST_CASE("in JSON, bytes that only look like UTF-8 are escaped") {
  const scratch s;
  const std::string word = GENERATE("\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                                    "\xc3", "\x80", "\xff");
  const auto done = wordcount({"--json", s.file("a", word)});
  for (const char c : done.out) CHECK(static_cast<unsigned char>(c) < 0x80);
  CHECK(done.out.find("\"word\": \"\\u00") != std::string::npos);
}

TEST_CASE("what cannot be read is named with its reason, the rest is counted, and the status is 1") {
  const scratch s;
  const std::string good = s.file("good", "word");
  const auto [bad, reason] = GENERATE(table<std::string, std::string>({
      {"nowhere", "No such file or directory"},
      {"good/inside", "Not a directory"},
      {"round", "Too many levels of symbolic links"},
  }));
  std::filesystem::create_symlink("round", s / "round");
  const auto done = wordcount({s / bad, good});
  CHECK(done.err == "wordcount: " + s / bad + ": " + reason + "\n");
  CHECK(counts(done) == "      1 word\n");
  CHECK(done.out.ends_with("\n1 could not be read or only in part\n"));
  CHECK(done.status == 1);
}

TEST_CASE("a file whose reading fails is named, the rest is counted") {
  const scratch s;
  const auto done = wordcount({"/proc/self/mem", s.file("good", "word")});
  CHECK(done.err == "wordcount: /proc/self/mem: Input/output error\n");
  CHECK(counts(done) == "      1 word\n");
  CHECK(done.status == 1);
}

TEST_CASE("files and folders without permission are named, the rest is counted") {
  const scratch s;
  std::filesystem::create_directories(s / "top/locked");
  s.file("top/locked/file", "hidden");
  s.file("top/secret", "hidden");
  s.file("top/good", "word");
  REQUIRE(chmod((s / "top/secret").c_str(), 0) == 0);
  REQUIRE(chmod((s / "top/locked").c_str(), 0) == 0);
  const auto done = program({"examples/wordcount", s / "top"}, "", "", true).wait();
  REQUIRE(chmod((s / "top/locked").c_str(), 0700) == 0);
  CHECK(done.err.find("wordcount: " + s / "top/locked" + ": Permission denied\n") != std::string::npos);
  CHECK(done.err.find("wordcount: " + s / "top/secret" + ": Permission denied\n") != std::string::npos);
  CHECK(counts(done) == "      1 word\n");
  CHECK(done.status == 1);
}

TEST_CASE("a control byte in a name does not reach the terminal") {
  const auto done = wordcount({"no\n\x1b[31mwhere"});
  CHECK(done.err == "wordcount: no\\x0a\\x1b[31mwhere: No such file or directory\n");
}

TEST_CASE("a gzip file may have several members and padding with zeros") {
  const scratch s;
  gzip("one two", s / "a.gz");
  gzip(" two\n", s / "a.gz");
  REQUIRE(shell("head -c 70000 /dev/zero >> " + s / "a.gz").status == 0);
  gzip("two", s / "a.gz");
  const auto done = wordcount({s / "a.gz"});
  CHECK(counts(done) == "      3 two\n      1 one\n");
  CHECK(done.err.empty());
  CHECK(done.status == 0);
}

TEST_CASE("of a gzip file that is cut off, what there is counts") {
  const scratch s;
  const auto whole =
      shell("seq 100000 | gzip -n > " + s / "a.gz" + "; head -c 20000 " + s / "a.gz" + " > " + s / "cut.gz");
  const auto done = wordcount({"--top", "1", s / "cut.gz"});
  CHECK(done.err == "wordcount: " + s / "cut.gz" + ": the gzip data ends too early; is the file cut off?\n");
  CHECK(done.out.find("1 file, 0 bytes") == std::string::npos);
  CHECK(done.status == 1);
}

TEST_CASE("a broken gzip file is named") {
  const scratch s;
  const std::string path = s / "a.gz";
  std::string reason = "broken gzip data: ";
  SECTION("no gzip at all") {
    s.file("a.gz", "plain text");
    reason += "incorrect header check";
  }
  SECTION("wrong checksum") {
    gzip("word", path);
    std::string bytes = content_of(path);
    bytes[bytes.size() - 8] ^= 1;
    s.file("a.gz", bytes);
    reason += "incorrect data check";
  }
  SECTION("text behind its end") {
    gzip("word", path);
    std::ofstream(path, std::ios::app) << "junk";
    reason += "incorrect header check";
  }
  SECTION("empty") {
    s.file("a.gz", "");
    reason = "the gzip data ends too early; is the file cut off?";
  }
  const auto done = wordcount({path});
  CHECK(done.err == "wordcount: " + path + ": " + reason + "\n");
  CHECK(done.status == 1);
}

TEST_CASE("a bad option is refused with the rule, the value and the remedy") {
  struct refusal {
    std::vector<std::string> arguments;
    std::string message;
  };
  const auto r = GENERATE(values<refusal>({
      {{"--tpo", "5"}, "there is no option --tpo. See --help; a PATH that begins with - goes behind --."},
      {{"-n"}, "there is no option -n. See --help; a PATH that begins with - goes behind --."},
      {{"--top"}, "--top takes a value, and none follows. Write --top 5."},
      {{"--top", "ten"},
       "--top takes a whole number from 0 to 1000000000; got \"ten\". For totals only, write --top 0."},
      {{"--top=-1"}, "--top takes a whole number from 0 to 1000000000; got \"-1\". For totals only, write --top 0."},
      {{"--workers", "0"}, "--workers takes a whole number from 1 to 1024; got \"0\". For one per core, leave it out."},
      {{"--workers=1025"},
       "--workers takes a whole number from 1 to 1024; got \"1025\". For one per core, leave it out."},
      {{"--json=1"}, "--json takes no value; got \"1\". Write --json."},
  }));
  const auto done = wordcount(r.arguments);
  CHECK(done.err == "wordcount: " + r.message + "\n");
  CHECK(done.out.empty());
  CHECK(done.status == 2);
}

TEST_CASE("behind -- everything is a path") {
  CHECK(wordcount({"--", "--json"}).err == "wordcount: --json: No such file or directory\n");
}

TEST_CASE("--help explains itself and counts nothing") {
  const auto done = wordcount({"--help", "nowhere"});
  CHECK(done.out.starts_with("Usage: wordcount [--top N] [--json] [--workers N] [--quiet] [PATH...]\n"));
  CHECK(done.status == 0);
}

TEST_CASE("a result that cannot be written is an error") {
  const scratch s;
  const auto done = program({"examples/wordcount", s.file("a", "word")}, "/dev/full").wait();
  CHECK(done.err == "wordcount: the result cannot be written: No space left on device\n");
  CHECK(done.status == 1);
}

namespace {

// Runs wordcount on a pipe that stays open until the bar shows what went through it.
std::string screen_of(terminal& t, const std::string& shown) {
  const scratch s;
  REQUIRE(mkfifo((s / "pipe").c_str(), 0600) == 0);
  program p({"examples/wordcount", s / "pipe"}, s / "out", t.path());
  {
    std::ofstream pipe(s / "pipe");
    pipe << "some text\n" << std::flush;
    t.wait_for(shown);
  }
  CHECK(p.wait().status == 0);
  CHECK(content_of(s / "out").find("1 file, 10 bytes, 2 words") != std::string::npos);
  return t.screen();
}

}  // namespace

TEST_CASE("on a terminal a bar is redrawn in place, and wiped at the end") {
  unsetenv("NO_COLOR");
  setenv("TERM", "xterm", 1);
  terminal t;
  const std::string sent = screen_of(t, "ETA");
  CHECK(sent.find("\x1b[32m") != std::string::npos);
  CHECK(sent.find('\n') == std::string::npos);
  CHECK(screen(sent).lines().empty());
  const std::string first = sent.substr(0, sent.find("\x1b[J"));
  CHECK_THAT(screen(first).text(), Catch::StartsWith("\n") && Catch::Contains("-- ") && Catch::Contains(", ETA "));
}

TEST_CASE("NO_COLOR leaves the bar and takes its color") {
  setenv("TERM", "xterm", 1);
  setenv("NO_COLOR", "1", 1);
  terminal t;
  const std::string sent = screen_of(t, "ETA");
  unsetenv("NO_COLOR");
  CHECK(sent.find("-----") != std::string::npos);
  CHECK(sent.find("\x1b[3") == std::string::npos);
}
