#include "weir/net/process/capture.h"

#include <signal.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "tests/net/folder.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

namespace {

using namespace std::chrono_literals;
using testing::in_actor;
using weir::net::capture;
using weir::net::stdio;

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const weir::net::error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

bool childless() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

}  // namespace

TEST_CASE("a program's output, errors and status are captured, and it gets its input") {
  in_actor([] {
    const auto sorted = capture({.program = "sort"}, {.input = "b\na\n"});
    CHECK(sorted.output == "a\nb\n");
    CHECK(sorted.errors.empty());
    CHECK(sorted.status.ok());
    const auto both = capture({.program = "sh", .arguments = {"-c", "echo out; echo err >&2; exit 3"}});
    CHECK(both.output == "out\n");
    CHECK(both.errors == "err\n");
    CHECK(both.status.code == 3);
    const auto one = capture(
        {.program = "sh", .arguments = {"-c", "echo out; echo err >&2"}, .errors = stdio::to_output()}, {}, 60s);
    CHECK(one.output == "out\nerr\n");
    CHECK(one.errors.empty());
  });
}

TEST_CASE("more than a pipe holds goes both ways at once") {
  in_actor([] {
    const std::string much(3 << 20, 'x');
    const auto copy = capture({.program = "sh", .arguments = {"-c", "tee /dev/stderr"}}, {.input = much});
    CHECK((copy.output == much));
    CHECK((copy.errors == much));
    // Nor does it matter if nobody reads it.
    const auto unread = capture({.program = "true"}, {.input = much});
    CHECK(unread.status.ok());
  });
}

TEST_CASE("a program without an end, or with too much to say, is terminated, and so is that of a cancelled actor") {
  in_actor([] {
    CHECK(error_of([] {
            capture({.program = "sleep", .arguments = {"1000"}}, {}, 20ms);
          }).find("the deadline came first") != std::string::npos);
    CHECK(childless());
    CHECK(error_of([] { capture({.program = "yes"}, {.most = 100'000}); }).find("too long") != std::string::npos);
    CHECK(childless());
    weir::with_scope([&](weir::scope& s) {
      s.spawn("cancel", [&] {
        weir::this_actor::sleep(5ms);
        s.cancel();
      });
      capture({.program = "sleep", .arguments = {"1000"}});
      FAIL_CHECK("the cancel did not come");
    });
    CHECK(childless());
    CHECK(error_of([] { capture({.program = "no-such-program"}); }).find("ENOENT") != std::string::npos);
  });
}

TEST_CASE("one that is left behind with the output does not hold up the answer") {
  in_actor([] {
    const auto left = capture({.program = "sh", .arguments = {"-c", "sleep 1000 & echo $!"}}, {.linger = 0ms});
    CHECK(left.status.ok());
    REQUIRE_FALSE(left.output.empty());  // what came before its end is there, whenever it is read
    kill(std::stoi(left.output), SIGKILL);
    // With a group of its own it goes, too: there is nothing to wait for.
    CHECK(capture({.program = "sh", .arguments = {"-c", "sleep 1000 & echo hi"}, .own_group = true}, {.linger = 1h})
              .output == "hi\n");
  });
}

TEST_CASE("descriptors stay flat over many captures") {
  in_actor([] {
    (void)capture({.program = "true"});
    const std::size_t before = testing::open_descriptors();
    for (int i = 0; i < testing::rounds(100); ++i)
      CHECK(capture({.program = "echo", .arguments = {"x"}}).output == "x\n");
    CHECK(testing::open_descriptors() == before);
  });
}
