// lines() of what is written while it is read: FIFOs and terminals. Files: pipeline_test.cc.
#include "weir/channels/pipeline/lines_source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/examples/program.h"
#include "tests/testing.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;

namespace {

using strings = std::vector<std::string>;

class fifo {
 public:
  fifo() { REQUIRE(mkfifo(path().c_str(), 0600) == 0); }
  std::string path() const { return folder_ / "fifo"; }

 private:
  testing::scratch folder_;
};

class writer {
 public:
  // Waits until there is a reader, which it never does for the reader's sake.
  explicit writer(const fifo& to) {
    eventually([&] { return (fd_ = open(to.path().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0; });
  }
  writer(const writer&) = delete;
  ~writer() { end(); }
  void put(std::string_view text) const {
    CHECK(write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void end() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

auto start(const std::string& path) { return weir::lines(path) | weir::collect() | weir::start(); }

// How many items the source has given out.
template <class Run>
auto given(const Run& run) {
  return run.progress().stages[0].out;
}
// It waits for what is to be read.
template <class Run>
void until_it_waits(const Run& run) {
  const auto before = run.progress().stages[0].starved;
  eventually([&] { return run.progress().stages[0].starved > before + 1ms; });
}

}  // namespace

TEST_CASE("lines of a FIFO come as they are written, from its first writer to its last") {
  in_actor([] {
    const fifo f;
    auto run = start(f.path());
    until_it_waits(run);  // nobody has opened it for writing: that is not its end
    writer one(f);
    one.put("one\ntw");
    eventually([&] { return given(run) == 1; });
    until_it_waits(run);
    writer two(f);
    one.end();
    two.put("o\n\nfour");
    eventually([&] { return given(run) == 3; });
    until_it_waits(run);
    CHECK(given(run) == 3);  // the fourth may go on
    two.end();
    const auto [lines, report] = run.wait();
    CHECK(lines == strings{"one", "two", "", "four"});
    CHECK(report.bytes == 13);
  });
}

TEST_CASE("a FIFO whose writer comes and goes without a word has no lines") {
  in_actor([] {
    const fifo f;
    auto run = start(f.path());
    until_it_waits(run);
    writer(f).end();
    CHECK(run.wait().value.empty());
  });
}

TEST_CASE("a drain ends lines that wait for a writer, or for the rest of a line; the whole ones go through") {
  in_actor([] {
    const fifo f;
    auto waiting = start(f.path());
    until_it_waits(waiting);
    CHECK(waiting.drain());
    CHECK(waiting.wait().value.empty());

    auto run = start(f.path());
    const writer w(f);
    w.put("one\ntwo\nthr");
    eventually([&] { return given(run) == 2; });
    CHECK(run.drain());
    CHECK(run.wait().value == strings{"one", "two"});
  });
}

TEST_CASE("what has been read of a FIFO goes through a drain, as nobody else could read it again") {
  in_actor([] {
    const fifo f;
    std::atomic<bool> go{false};
    auto run = weir::lines(f.path()) | weir::tap([&](const std::string&) { eventually([&] { return go.load(); }); }) |
               weir::collect() | weir::start();
    const writer w(f);
    strings all;
    std::string text;
    for (int i = 0; i < 100; ++i) {
      all.push_back(std::to_string(i));
      text += all.back() + '\n';
    }
    w.put(text);  // in one piece, as it is less than PIPE_BUF
    eventually([&] { return given(run) == 1; });
    auto opener = weir::spawn([&] {
      weir::this_actor::sleep(1ms);  // the drain comes first, usually; the lines are the same either way
      go = true;
    });
    CHECK(run.drain());
    CHECK(run.wait().value == all);
  });
}

TEST_CASE("a cancel ends lines that wait, and so does the end of the handle") {
  in_actor([] {
    const fifo f;
    auto run = start(f.path());
    until_it_waits(run);
    run.cancel();
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
    auto written = start(f.path());
    const writer w(f);
    w.put("one\n");
    eventually([&] { return given(written) == 1; });
    written.cancel();
    CHECK_THROWS_AS(written.wait(), weir::actor_cancelled);
    CHECK_FALSE(weir::within(1ms, [&] { weir::lines(f.path()) | weir::collect() | weir::execute(); }));
    auto dropped = start(f.path());
    until_it_waits(dropped);
  });
}

TEST_CASE("lines that wait hear at once that nobody wants more") {
  in_actor([] {
    const fifo f;
    auto run = weir::lines(f.path()) | weir::map([](std::string s) { return s; }, {.buffer = 1}) | weir::take(1) |
               weir::collect() | weir::start();
    const writer w(f);
    w.put("one\n");
    CHECK(run.wait().value == strings{"one"});
  });
}

TEST_CASE("lines of a terminal come as they are typed, and a drain, a cancel and a hang-up end them") {
  in_actor([] {
    const int typist = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(typist >= 0);
    REQUIRE(grantpt(typist) == 0);
    REQUIRE(unlockpt(typist) == 0);
    const std::string path = ptsname(typist);
    const int keeps_it = open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(keeps_it >= 0);
    const auto type = [&](std::string_view text) {
      CHECK(write(typist, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    };
    type("one\ntwo\nthr");
    auto run = start(path);
    eventually([&] { return given(run) == 2; });
    CHECK(run.drain());
    CHECK(run.wait().value == strings{"one", "two"});

    auto cancelled = start(path);
    until_it_waits(cancelled);
    cancelled.cancel();
    CHECK_THROWS_AS(cancelled.wait(), weir::actor_cancelled);

    auto last = start(path);
    until_it_waits(last);
    close(typist);
    CHECK(last.wait().value.size() <= 1);  // the line that was begun, or nothing
    close(keeps_it);
  });
}

TEST_CASE("lines of what is not written while it is read: a file, a device, a folder") {
  in_actor([] {
    CHECK((weir::lines("/dev/null") | weir::collect() | weir::execute()).value.empty());
    CHECK((weir::lines("/proc/self/status") | weir::collect() | weir::execute()).value.size() > 10);
    CHECK_THROWS_WITH(weir::lines("/") | weir::collect() | weir::execute(),
                      Catch::Contains("lines: read /: Is a directory"));
  });
}
