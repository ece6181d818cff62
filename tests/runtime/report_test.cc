#include "weir/runtime/internal/report.h"

#include <signal.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>

#include "tests/child.h"
#include "tests/dump.h"
#include "tests/own_stderr.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::dump;
using testing::eventually;
using testing::row;

TEST_CASE("the dump tells of every actor what it waits for, with depth and capacity, and where it was spawned") {
  testing::in_actor([] {
    auto jobs = weir::channel<int>(16, "jobs");
    auto full = weir::channel<int>(2, "full");
    auto unnamed = weir::channel<int>(0);
    full.tx.send(1), full.tx.send(2);
    weir::with_scope([&](weir::scope& s) {
      auto reader = s.spawn("reader", [rx = jobs.rx] { rx.recv(); });
      s.spawn("writer", [tx = full.tx] { tx.send(3); });
      s.spawn("chooser", [&] { weir::select(weir::on_recv(unnamed.rx, [](auto) {}), weir::after(1h, [] {})); });
      s.spawn("joiner", [reader]() mutable { reader.wait(); });
      s.spawn("sleeper", [] { weir::this_actor::sleep(1h); });
      s.spawn("nested", [] {
        weir::with_scope([](weir::scope& inner) { inner.spawn("grandchild", [] { weir::this_actor::sleep(1h); }); });
      });
      std::string table;
      eventually([&] {
        table = dump();
        // With the name and a space, as "sleep" is in "sleeper".
        for (const auto& [who, what] : std::map<std::string, std::string>{{"reader", "recv"},
                                                                          {"writer", "send"},
                                                                          {"chooser", "select"},
                                                                          {"joiner", "join"},
                                                                          {"sleeper", "sleep"},
                                                                          {"grandchild", "sleep"}})
          if (row(table, who).find(" " + who + " " + what + " ") == std::string::npos) return false;
        return row(table, "nested").find("(1 alive)") != std::string::npos;
      });
      CHECK_THAT(table, Catch::StartsWith("weir: 8 actors, "));
      CHECK_THAT(row(table, "main"), Catch::Contains(" main run - - "));
      CHECK_THAT(row(table, "reader"),
                 Catch::Contains("reader recv channel \"jobs\" 0/16 empty ") && Catch::Contains("report_test.cc:"));
      CHECK_THAT(row(table, "writer"), Catch::Contains("writer send channel \"full\" 2/2 full "));
      CHECK_THAT(row(table, "chooser"),
                 Catch::Contains("select recv channel report_test.cc:") && Catch::Contains(" rendezvous, timer "));
      CHECK_THAT(row(table, "joiner"), Catch::Contains("join actor \"reader\" (#"));
      CHECK_THAT(row(table, "sleeper"), Catch::Contains("sleeper sleep - "));
      CHECK_THAT(row(table, "nested"), Catch::Contains("nested wait scope report_test.cc:"));
      s.cancel();
    });
  });
}

TEST_CASE("dumps may be taken all the time while actors park and wake") {
  testing::in_actor([] {
    auto [tx, rx] = weir::channel<int>(1, "busy");
    std::atomic<bool> stop{false};
    std::thread dumper([&] {
      while (!stop) (void)dump();
    });
    weir::with_scope([&, tx = std::move(tx)](weir::scope& s) mutable {
      s.spawn("producer", [tx = std::move(tx)] {
        for (int i = 0; i < testing::rounds(20'000); ++i) tx.send(i);
      });
      int expected = 0;
      for (int& v : rx) EXPECT(v == expected++);
    });
    stop = true;
    dumper.join();
  });
}

TEST_CASE("child: SIGQUIT", "[.child]") {
  weir::run([] {
    auto [tx, rx] = weir::channel<int>(3, "orders");
    auto a = weir::spawn("clerk", [rx = rx] { rx.recv(); });
    eventually([] { return testing::waits("clerk", "recv"); });
    testing::own_stderr said;
#ifdef WEIR_TSAN
    raise(
        SIGQUIT);  // TSan holds a signal back until its thread calls something TSan knows, and the main thread does not
#else
    kill(getpid(), SIGQUIT);
#endif
    said.await(" clerk ");
    tx.send(1);
    a.join();
    std::puts("and it goes on");
  });
}

TEST_CASE("SIGQUIT prints the actors on stderr and the program goes on") {
  const auto end = testing::run_child("child: SIGQUIT");
  CHECK(end.exit_status == 0);
  CHECK_THAT(row(end.output, "clerk"), Catch::Contains("clerk recv channel \"orders\" 0/3 empty"));
  CHECK_THAT(end.output, Catch::Contains("and it goes on"));
}

TEST_CASE("durations are short and read at a glance") {
  using weir::internal::short_duration;
  CHECK(short_duration(3min + 12s) == "3m12s");
  CHECK(short_duration(2h + 5min) == "2h05m");
  CHECK(short_duration(12s) == "12s");
  CHECK(short_duration(1800ms) == "1.8s");
  CHECK(short_duration(250ms) == "250ms");
  CHECK(short_duration(12us) == "12us");
}
