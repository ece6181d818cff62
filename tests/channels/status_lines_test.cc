#include "weir/channels/pipeline/status_lines.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/examples/program.h"
#include "tests/examples/screen.h"
#include "tests/examples/terminal.h"
#include "weir/channels/pipeline/short_text.h"

using namespace std::chrono_literals;
using testing::redirected_stderr;
using testing::screen;
using testing::terminal;
using weir::status_lines;
using weir::styled_line;

namespace {

struct setting {
  setting(const char* variable, const char* value) : name(variable) {
    if (value)
      setenv(name, value, 1);
    else
      unsetenv(name);
  }
  ~setting() { unsetenv(name); }
  const char* name;
};

std::vector<styled_line> plain(const std::vector<std::string>& texts) {
  std::vector<styled_line> lines;
  for (const std::string& t : texts) lines.push_back(styled_line().add(t));
  return lines;
}

// The program itself prints.
void say(const std::string& text) {
  REQUIRE(write(STDERR_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

// What is on the terminal after f(status_lines&).
template <class F>
std::string sent_by(F f, int columns = 100, int rows = 24) {
  terminal t(columns, rows);
  const redirected_stderr err(t.path());
  {
    status_lines out;
    f(out);
  }
  return t.screen();
}

using shown = std::vector<std::string>;

}  // namespace

TEST_CASE("lines are drawn in the rows below the cursor, and wiped at the end") {
  const setting term("TERM", "xterm");
  std::string sent = sent_by([](status_lines& out) {
    CHECK(out.terminal());
    CHECK(out.width() == 99);
    out.draw(plain({"one", "two"}));
  });
  CHECK(screen(sent).lines().empty());
  sent.resize(sent.rfind("\x1b[J"));
  CHECK(screen(sent).lines() == shown{"", "one", "two"});
}

TEST_CASE("lines drawn anew leave nothing of those before them") {
  const setting term("TERM", "xterm");
  const std::string sent = sent_by([](status_lines& out) {
    out.draw(plain({"a long line", "another", "a third"}));
    out.draw(plain({"short", "two"}));
    say("|");
  });
  CHECK(screen(sent.substr(0, sent.find('|'))).lines() == shown{"", "short", "two"});
}

TEST_CASE("what the program prints stays, and the lines move below it") {
  const setting term("TERM", "xterm");
  std::string sent = sent_by([](status_lines& out) {
    out.draw(plain({"status", "more"}));
    say("the program's line\r\n");
    out.draw(plain({"status", "more"}));
    say("without an end: ");
    out.draw(plain({"status", "more"}));
    say("here it is\r\n");
    out.draw(plain({"status", "more"}));
  });
  CHECK(screen(sent).lines() == shown{"the program's line", "without an end: here it is"});
  sent.resize(sent.rfind("\x1b[J"));
  CHECK(screen(sent).lines() == shown{"the program's line", "without an end: here it is", "", "status", "more"});
}

TEST_CASE("at the bottom of the window the lines make room") {
  const setting term("TERM", "xterm");
  std::string sent = sent_by(
      [](status_lines& out) {
        for (int i = 0; i < 6; ++i) {
          say("line " + std::to_string(i) + "\r\n");
          out.draw(plain({"a", "b"}));
        }
      },
      40, 5);
  sent.resize(sent.rfind("\x1b[J"));
  CHECK(screen(sent, 40, 5).lines() == shown{"line 0", "line 1", "line 2", "line 3", "line 4", "line 5", "", "a", "b"});
}

TEST_CASE("lines are cut to the window, and no more are drawn than fit") {
  const setting term("TERM", "xterm");
  std::string sent = sent_by([](status_lines& out) { out.draw(plain({"0123456789abc", "b", "c", "d"})); }, 10, 4);
  sent.resize(sent.rfind("\x1b[J"));
  CHECK(screen(sent, 10, 4).lines() == shown{"", "012345678", "b"});
}

TEST_CASE("a window that changes its size is asked anew each time") {
  const setting term("TERM", "xterm");
  terminal t(50, 24);
  const redirected_stderr err(t.path());
  status_lines out;
  CHECK(out.width() == 49);
  t.resize(20, 24);
  CHECK(out.width() == 19);
}

TEST_CASE("printed lines stay above those that are drawn") {
  const setting term("TERM", "xterm");
  std::string sent = sent_by([](status_lines& out) {
    out.draw(plain({"status"}));
    out.print("a fault\r\n");
    out.draw(plain({"status"}));
    out.wipe();
    out.print(plain({"the", "end"}));
  });
  CHECK(screen(sent).lines() == shown{"a fault", "the", "end"});
}

TEST_CASE("printed lines begin in a row of their own, whatever stands in the last one") {
  const setting term("TERM", "xterm");
  const std::string sent = sent_by([](status_lines& out) {
    out.print(plain({"at the beginning"}));
    out.draw(plain({"status"}));
    say("^C");
    out.print(plain({"further on"}));
    out.wipe();
    say("without an end");
    out.print(plain({"the", "end"}));
  });
  CHECK(screen(sent).lines() == shown{"at the beginning", "^C", "further on", "without an end", "the", "end"});
}

TEST_CASE("NO_COLOR takes the colors; TERM=dumb and files get plain lines now and then") {
  const auto draw = [](status_lines& out) { out.draw({styled_line().add("green", styled_line::color::green)}); };
  {
    const setting term("TERM", "xterm");
    CHECK(sent_by(draw).find("\x1b[32mgreen\x1b[0m") != std::string::npos);
    const setting none("NO_COLOR", "1");
    CHECK(sent_by(draw).find("\x1b[3") == std::string::npos);
  }
  for (const char* term : {"dumb", static_cast<const char*>(nullptr)}) {
    const setting dumb("TERM", term);
    CHECK(sent_by(draw).empty());
  }
  const setting term("TERM", "xterm");
  const testing::scratch s;
  {
    const redirected_stderr err(s / "err");
    status_lines out;
    const auto begin = status_lines::clock::now();
    CHECK_FALSE(out.terminal());
    draw(out);
    CHECK_FALSE(out.line_due(begin + 9s));
    CHECK(out.line_due(begin + 11s));
    out.print({styled_line().add("one", styled_line::color::yellow)});
    CHECK_FALSE(out.line_due(begin + 20s));
    CHECK(out.line_due(begin + 21s));
  }
  CHECK(testing::content_of(s / "err") == "one\n");
}

TEST_CASE("control bytes do not reach the terminal; wide characters count twice") {
  CHECK(styled_line().add("a\x1b[31m\n\x9b\xc2\x9b|").text(80, true) == "a?[31m???|");
  CHECK(styled_line().add("r\xc3\xa9sum\xc3\xa9").width() == 6);
  CHECK(styled_line().add("\xe6\xbc\xa2\xe5\xad\x97").width() == 4);
  CHECK(styled_line().add("\xe6\xbc\xa2\xe5\xad\x97").text(3, false) == "\xe6\xbc\xa2");
  CHECK(styled_line().add("cut\xe6\xbc").text(80, false) == "cut??");
  // A character that breaks off takes nothing with it, least of all what the terminal would obey.
  CHECK(styled_line().add("\xe6\x1b[31m").text(80, false) == "??[31m");
  CHECK(styled_line().add("\xc3\n\xf0\x9f\x98\r").text(80, false) == "??????");
  CHECK(styled_line().add("\xff\xc0\x80").width() == 3);
  CHECK(styled_line().add("\xe0\x82\x9b").text(80, false) == "???");
}

TEST_CASE("a bar is filled to its share") {
  CHECK(styled_line().bar(0.25, 8).text(80, false) == "##------");
  CHECK(styled_line().bar(0, 4).text(80, false) == "----");
  CHECK(styled_line().bar(1, 4).text(80, false) == "####");
  CHECK(styled_line().bar(7, 4).text(80, true) == "\x1b[32m####\x1b[0m");
}

TEST_CASE("a rate is right from the start and follows what changes") {
  const auto begin = weir::smoothed_rate::clock::now();
  weir::smoothed_rate rate(begin);
  CHECK(rate.update(0, begin + 1s) == 0);
  CHECK(rate.update(100, begin + 2s) == Approx(100));
  CHECK(rate.update(200, begin + 3s) == Approx(100));
  CHECK(rate.update(200, begin + 4s) < 70);
  CHECK(rate.update(200, begin + 60s) < 0.01);
}

TEST_CASE("figures have three digits and a unit") {
  CHECK(weir::short_number(0) == "0");
  CHECK(weir::short_number(999) == "999");
  CHECK(weir::short_number(412'345) == "412k");
  CHECK(weir::short_number(51'234) == "51.2k");
  CHECK(weir::short_number(999'600) == "1.00M");
  CHECK(weir::short_bytes(4.56e9) == "4.56 GB");
  CHECK(weir::short_bytes(12) == "12 B");
  CHECK(weir::short_duration(1234us) == "1.23ms");
  CHECK(weir::short_duration(0ns) == "-");
  CHECK(weir::short_duration(999ns) == "999ns");
  CHECK(weir::short_duration(999'400ns) == "999us");
  CHECK(weir::short_duration(999'900ns) == "1ms");
  CHECK(weir::short_duration(999'600us) == "1s");
  CHECK(weir::short_duration(3'600'000ms) == "3600s");
  CHECK(weir::short_clock(10.2) == "11s");
  CHECK(weir::short_clock(67) == "1:07");
  CHECK(weir::short_clock(3723) == "1:02:03");
  CHECK(weir::short_clock(1e300) == "1000000:00:00");
}
