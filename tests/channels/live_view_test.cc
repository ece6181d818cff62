#include "weir/channels/pipeline/live_view.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/child.h"
#include "tests/examples/program.h"
#include "tests/examples/screen.h"
#include "tests/examples/terminal.h"
#include "tests/testing.h"
#include "weir/channels/pipeline/pipeline.h"
#include "weir/channels/pipeline/status_lines.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::in_actor;
using testing::redirected_stderr;
using testing::screen;
using testing::terminal;

namespace {

auto sum() {
  return weir::reduce(0L, [](long s, long i) { return s + i; });
}

}  // namespace

TEST_CASE("on a terminal the view is drawn while the pipeline runs, and its final state stays") {
  setenv("TERM", "xterm", 1);
  terminal t;
  {
    const redirected_stderr err(t.path());
    in_actor([&] {
      weir::event go;
      auto opener = weir::spawn([&] {
        weir::blocking([&] { t.wait_for("58/100"); });
        go.set();
      });
      const auto half_way = [&](long i) {
        if (i == 50) go.wait();
        return i;
      };
      auto [value, report] = weir::from(std::views::iota(1L, 101L)) |
                             weir::map(half_way, {.buffer = 8, .name = "gate"}) | sum() |
                             weir::execute({.name = "rows", .progress = true});
      CHECK(value == 5050);
      CHECK(report.stages.size() == 3);
    });
  }
  const std::string sent = t.screen();
  const auto shown = screen(sent).lines();
  REQUIRE(shown.size() == 3);
  CHECK_THAT(shown[0], Catch::StartsWith("rows  ######################################## 100  in "));
  CHECK_THAT(shown[1], Catch::StartsWith("  source -> [0/8] -> gate+reduce 2"));
  // While it ran it stood still with one item held, eight waiting, and one more in the hands of the source.
  const std::string before = sent.substr(0, sent.find("\x1b[J", sent.find("58/100")));
  CHECK_THAT(screen(before).text(), Catch::Contains("- 58/100  ") && Catch::Contains("/s  eta ") &&
                                        Catch::Contains("source -> [8/8] -> gate+reduce 2"));
}

TEST_CASE("the view tells a drained pipeline from one of which nobody wanted more") {
  setenv("TERM", "xterm", 1);
  terminal t;
  {
    const redirected_stderr err(t.path());
    in_actor([&] {
      auto some = weir::from(std::views::iota(1L)) | weir::map([](long i) { return i; }, {.buffer = 2}) |
                  weir::take(5) | sum() | weir::start({.name = "some", .progress = true});
      CHECK(some.wait().value == 15);
      auto [tx, rx] = weir::channel<long>(0);
      auto run = weir::from(std::move(rx)) | sum() | weir::start({.name = "stopped", .progress = true});
      CHECK(tx.send(1));
      CHECK(run.drain());
    });
  }
  const auto shown = screen(t.screen()).lines();
  REQUIRE(shown.size() == 6);
  CHECK_THAT(shown[0], Catch::StartsWith("some  ######") && Catch::Contains("  in "));
  CHECK_THAT(shown[3], Catch::StartsWith("stopped  1  drained after "));
}

TEST_CASE("the view says that a pipeline was cut short, by a failure or by a cancel") {
  setenv("TERM", "xterm", 1);
  terminal t;
  {
    const redirected_stderr err(t.path());
    in_actor([&] {
      const auto picky = [](long i) { return i == 7 ? throw std::runtime_error("no seven") : i; };
      CHECK_THROWS_WITH(weir::from(std::views::iota(1L, 101L)) | weir::map(picky, {.name = "picky"}) | sum() |
                            weir::execute({.name = "fails", .progress = true}),
                        "stage \"picky\": no seven");
      CHECK_FALSE(weir::within(1ms, [] {
        weir::from(std::views::iota(1L)) | weir::tap([](long) { weir::this_actor::yield(); }) | sum() |
            weir::execute({.name = "cancelled", .progress = true});
      }));
    });
  }
  const auto shown = screen(t.screen()).lines();
  REQUIRE(shown.size() == 6);
  CHECK_THAT(shown[0],
             Catch::StartsWith("fails  ") && Catch::Contains("cut short after") && Catch::Contains("1 error"));
  CHECK_THAT(shown[3], Catch::StartsWith("cancelled  ") && Catch::Contains("cut short after"));
}

TEST_CASE("elsewhere than on a terminal a run of less than ten seconds prints one line") {
  const testing::scratch s;
  {
    const redirected_stderr err(s / "err");
    in_actor([&] {
      auto run = weir::from(std::views::iota(1L, 101L)) | sum() | weir::start({.name = "rows", .progress = true});
      CHECK(run.wait().value == 5050);
    });
  }
  const std::string printed = testing::content_of(s / "err");
  CHECK_THAT(printed, Catch::StartsWith("rows: 100  in "));
  CHECK(printed.find('\n') == printed.size() - 1);
  CHECK(printed.find('\x1b') == std::string::npos);
}

TEST_CASE("child: a view that nobody reads", "[.child]") {
  signal(SIGPIPE, SIG_DFL);  // whoever started this process may have it ignored
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
  close(ends[0]), close(ends[1]);
  in_actor([] {
    auto [value, report] =
        weir::from(std::views::iota(1L, 101L)) | sum() | weir::execute({.name = "rows", .progress = true});
    CHECK(value == 5050);
  });
  weir::status_lines lines;
  for (int i = 0; i < 3; ++i) lines.print("text\n");
  // It is not kept for later, either.
  sigset_t pending;
  sigpending(&pending);
  CHECK_FALSE(sigismember(&pending, SIGPIPE));
  std::puts("alive");
}
TEST_CASE("a program does not die from a view whose reader has gone") {
  const auto end = testing::run_child("child: a view that nobody reads");
  CHECK(end.signal == 0);
  CHECK(end.exit_status == 0);
  CHECK_THAT(end.output, Catch::Contains("alive"));
}
