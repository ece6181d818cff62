// What a deadlock report says of channels and select: the circle, who holds the other side, the hint.
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "tests/deadlocks.h"
#include "tests/testing.h"
#include "weir/channels/actors/mailbox.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/channels/status.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/wait_group.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::report_of;

TEST_CASE(
    "two actors that send to each other: the report shows the circle, both ends, who else is blocked, and a hint") {
  CHECK(report_of([] {
          auto [lookups, questions] = weir::channel<int>(8, "lookups");
          auto [replies, answers] = weir::channel<int>(8, "replies");
          auto [rows, work] = weir::channel<int>(0, "rows");
          weir::with_scope([&](weir::scope& s) {
            s.spawn("enricher", [lookups = std::move(lookups), answers = std::move(answers), work = std::move(work)] {
              for (int i = 0; i < 1000; ++i) lookups.send(i);
              while (answers.recv() && work.recv()) {
              }
            });
            s.spawn("cache", [questions = std::move(questions), replies = std::move(replies)] {
              for (int i : questions) replies.send(i);
            });
            s.spawn("parser", [rows = std::move(rows)] { rows.send(1); });
          });
        }) ==
        "DEADLOCK: all 4 actors are blocked and nothing is left that could wake them\n"
        "  (0 timers, 0 descriptors or signals, 0 blocking calls, 0 other threads)\n"
        "  cycle: enricher -> [lookups] -> cache -> [replies] -> enricher\n"
        "    #2 enricher  blocked in send on channel \"lookups\" 8/8 full, at deadlock_test.cc:N; only receiver: #3 "
        "cache\n"
        "    #3 cache     blocked in send on channel \"replies\" 8/8 full, at deadlock_test.cc:N; only receiver: #2 "
        "enricher\n"
        "  also blocked because of it:\n"
        "    #1 main    blocked in wait on scope deadlock_test.cc:N (3 alive), at deadlock_test.cc:N\n"
        "    #4 parser  blocked in send on channel \"rows\" rendezvous, at deadlock_test.cc:N; only receiver: #2 "
        "enricher\n"
        "  hint: actors that send to each other must not all block in send; select over send and recv, or give "
        "\"replies\"\n"
        "        room for every message that can be under way.\n");
}

TEST_CASE("a sender that main has kept while it waits for the receiver: the report says who keeps it and what to do") {
  const std::string report = report_of([] {
    auto jobs = weir::channel<int>(4, "jobs");
    weir::with_scope([&](weir::scope& s) {
      s.spawn("producer", [tx = jobs.tx] { tx.send(1); });
      s.spawn("consumer", [rx = jobs.rx] {
        for (int& job : rx) (void)job;
      });
    });
  });
  CHECK_THAT(report, Catch::Contains("all 2 actors are blocked"));
  CHECK_THAT(report, Catch::Contains("  cycle: main -> [scope deadlock_test.cc:N] -> consumer -> [jobs] -> main\n"));
  CHECK_THAT(
      report,
      Catch::Contains(
          "#3 consumer  blocked in recv on channel \"jobs\" 0/4 empty, at deadlock_test.cc:N; only sender: #1 main\n"));
  CHECK_THAT(report,
             Catch::Contains("hint: \"jobs\" closes when its last sender goes, and #1 main keeps one while it waits "
                             "for the end of the"));
}

TEST_CASE("an actor that receives from a channel whose only sender it holds waits for itself") {
  const std::string report = report_of([] {
    weir::spawn("loner", [] {
      auto own = weir::channel<int>(1, "own");
      own.rx.recv();
    }).join();
  });
  CHECK_THAT(report,
             Catch::Contains("  cycle: loner -> [own] -> loner\n    #2 loner  blocked in recv on channel \"own\" "
                             "0/1 empty, at deadlock_test.cc:N; only sender: #2 loner\n"));
  CHECK_THAT(report,
             Catch::Contains("hint: a channel closes when its last sender goes, and #2 loner keeps one of \"own\" "
                             "itself while it"));
}

TEST_CASE("a sender whose only receiver is its own waits for itself") {
  const std::string report = report_of([] {
    auto own = weir::channel<int>(0, "own");
    own.tx.send(1);
  });
  CHECK_THAT(report, Catch::Contains("DEADLOCK: the only actor is blocked and nothing is left that could wake it\n"));
  CHECK_THAT(report, Catch::Contains("cycle: main -> [own] -> main\n"));
  CHECK_THAT(report, Catch::Contains("last receiver goes, and #1 main keeps one of \"own\" itself"));
}

TEST_CASE("two actors that wait for each other's first message") {
  const std::string report = report_of([] {
    auto there = weir::channel<int>(1, "there");
    auto back = weir::channel<int>(1, "back");
    weir::with_scope([&](weir::scope& s) {
      s.spawn("left", [tx = std::move(there.tx), rx = std::move(back.rx)] { tx.send(*rx.recv()); });
      s.spawn("right", [tx = std::move(back.tx), rx = std::move(there.rx)] { tx.send(*rx.recv()); });
    });
  });
  CHECK_THAT(report, Catch::Contains("cycle: left -> [back] -> right -> [there] -> left\n"));
  CHECK_THAT(report, Catch::Contains("each of them waits for the other's message first"));
}

TEST_CASE("a sender and a receiver that pass each other by: select is advised") {
  const std::string report = report_of([] {
    auto data = weir::channel<int>(0, "data");
    auto credit = weir::channel<int>(0, "credit");
    weir::with_scope([&](weir::scope& s) {
      s.spawn("source", [tx = std::move(data.tx), rx = std::move(credit.rx)] { tx.send(*rx.recv()); });
      s.spawn("sink", [rx = std::move(data.rx), tx = std::move(credit.tx)] { rx.recv(), tx.send(1); });
    });
  });
  CHECK_THAT(report, Catch::Contains("cycle: source -> [credit] -> sink -> [data] -> source\n"));
}

TEST_CASE("a ring of four actors that all send is shown whole, and an actor outside is not") {
  const std::string report = report_of([] {
    weir::with_scope([](weir::scope& s) {
      std::vector<weir::sender<int>> tx;
      std::vector<weir::receiver<int>> rx;
      for (int i = 0; i < 4; ++i) {
        auto ends = weir::channel<int>(1, "c" + std::to_string(i));
        tx.push_back(ends.tx), rx.push_back(ends.rx);
      }
      for (std::size_t i = 0; i < 4; ++i)
        s.spawn("a" + std::to_string(i), [to = std::move(tx[i]), from = std::move(rx[(i + 3) % 4])] {
          while (to.send(1)) {
          }
          from.recv();
        });
      s.spawn("outside", [] {
        auto own = weir::channel<int>(0, "own");
        own.rx.recv();
      });
    });
  });
  CHECK_THAT(report, Catch::Contains("cycle: a0 -> [c0] -> a1 -> [c1] -> a2 -> [c2] -> a3 -> [c3] -> a0\n"));
  CHECK_THAT(report, Catch::Contains("  also blocked because of it:\n    #1 main"));
  CHECK_THAT(report, Catch::Contains("  blocked besides:\n    #6 outside"));
}

TEST_CASE("selects take part in circles, with all their channels, and say where they stand") {
  const std::string report = report_of([] {
    auto there = weir::channel<int>(0, "there");
    auto back = weir::channel<int>(0, "back");
    weir::with_scope([&](weir::scope& s) {
      s.spawn("left", [tx = std::move(there.tx), rx = std::move(back.rx)] {
        weir::select(weir::on_recv(rx, [](auto) {}), weir::on_send(tx, 1, [] {}).when(false));
      });
      s.spawn("right", [tx = std::move(back.tx), rx = std::move(there.rx)] {
        weir::select(weir::on_recv(rx, [](auto) {})), tx.send(1);
      });
    });
  });
  CHECK_THAT(report,
             Catch::Contains("left   blocked in select on recv channel \"back\" rendezvous, at deadlock_test.cc:N"));
  CHECK_THAT(report, Catch::Contains("  cycle: "));
}

TEST_CASE("two actors that send to each other's full mailbox are a circle, once each has waited at its own") {
  const std::string report = report_of([] {
    using inbox = weir::mailbox<int>;
    inbox first({.capacity = 1, .name = "first"}), second({.capacity = 1, .name = "second"});
    weir::wait_group ready;
    ready.add(2);
    const auto swamp = [&](inbox& own, const weir::address<int>& other) {
      EXPECT(own.recv(1ms).status() == weir::recv_status::timeout);
      ready.done();
      ready.wait();
      while (other.send(1) == weir::send_status::ok) {
      }
    };
    weir::with_scope([&](weir::scope& s) {
      s.spawn("left", [&, to = second.address()] { swamp(first, to); });
      s.spawn("right", [&, to = first.address()] { swamp(second, to); });
    });
  });
  CHECK_THAT(report, Catch::Contains("  cycle: left -> [second] -> right -> [first] -> left\n"));
  CHECK_THAT(report, Catch::Contains("#2 left   blocked in send on channel \"second\" 1/1 full, at deadlock_test.cc:N; "
                                     "last receiver: #3 right\n"));
}

TEST_CASE("a long list is cut, and says how much") {
  const std::string report = report_of([] {
    auto jobs = weir::channel<int>(4, "jobs");
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < 50; ++i) s.spawn([rx = jobs.rx] { rx.recv(); });
    });
  });
  CHECK_THAT(report, Catch::Contains("all 51 actors are blocked"));
  CHECK_THAT(report, Catch::Contains("    and 29 more\n"));
}

TEST_CASE("a sender that no actor has on its stack: the report says so, and where to look") {
  auto ends = weir::channel<int>(0, "hidden");
  const std::string report = report_of([rx = std::move(ends.rx)] { rx.recv(); });
  CHECK_THAT(
      report,
      Catch::Contains(
          "recv on channel \"hidden\" rendezvous, at deadlock_test.cc:N; 1 sender, held by none of these actors\n"));
  CHECK_THAT(report, Catch::Contains("no blocked actor has a sender of \"hidden\" on its stack"));
}
