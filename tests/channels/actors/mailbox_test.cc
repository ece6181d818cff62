#include "weir/channels/actors/mailbox.h"

#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using weir::overflow;
using weir::send_status;

namespace {

struct job {
  int number;
};
struct parcel {  // move-only, and known by its number after a move back
  std::unique_ptr<int> number;
};
parcel wrap(int n) { return {std::make_unique<int>(n)}; }

// How many of its kind are alive.
struct counted {
  inline static std::atomic<int> alive{0};
  int number;
  explicit counted(int n) : number(n) { ++alive; }
  counted(counted&& other) noexcept : number(other.number) { ++alive; }
  counted& operator=(counted&&) noexcept = default;
  ~counted() { --alive; }
};

}  // namespace

TEST_CASE("receive calls the handler for the type of the message, which may take it as it likes") {
  in_actor([] {
    weir::mailbox<job, parcel, std::string, int> box;
    const auto to = box.address();
    CHECK(to.send(job{1}) == send_status::ok);
    to.send(wrap(2));
    to.send(std::string("three"));
    to.send(4);
    std::string seen;
    const auto next = [&] {
      return box.receive([&](job& j) { seen += std::to_string(j.number); },
                         [&](parcel p) { seen += std::to_string(*p.number); }, [&](const std::string& s) { seen += s; },
                         [&](int n) {
                           seen += std::to_string(n);
                           return false;
                         });
    };
    CHECK(next());
    CHECK(next());
    CHECK(next());
    CHECK_FALSE(next());  // as its handler said
    CHECK(seen == "12three4");
    const weir::mailbox_counts n = box.counts();
    CHECK(n.sent == 4);
    CHECK(n.received == 4);
  });
}

TEST_CASE("the compiler names the message type that no handler takes") {
  const auto on_job = [](job&) {};
  const auto on_parcel = [](parcel) {};
  using set = weir::internal::handler_set<decltype(on_job), decltype(on_parcel)>;
  STATIC_REQUIRE(std::is_same_v<weir::internal::first_unhandled<set, job, std::string, parcel>::type, std::string>);
  STATIC_REQUIRE(
      std::is_same_v<weir::internal::first_unhandled<set, job, parcel>::type, weir::internal::nothing_unhandled>);
}

TEST_CASE("a full mailbox that blocks makes its senders wait") {
  in_actor([] {
    weir::mailbox<int> box({.capacity = 1, .name = "small"});
    const auto to = box.address();
    to.send(1);
    CHECK(to.try_send(2) == send_status::full);
    CHECK(to.send(2, 1ms) == send_status::timeout);
    auto sender = weir::spawn("sender", [to] { EXPECT(to.send(2) == send_status::ok); });
    eventually([] { return testing::waits("sender", "send"); });
    CHECK(std::get<int>(*box.recv()) == 1);
    CHECK(std::get<int>(*box.recv()) == 2);
    sender.join();
    CHECK(box.counts().sent == 2);
    CHECK(box.counts().dropped == 0);
  });
}

TEST_CASE("drop_newest throws away what comes to a full mailbox, and counts it") {
  in_actor([] {
    weir::mailbox<int> box({.capacity = 2, .when_full = overflow::drop_newest});
    for (int i = 1; i <= 5; ++i) CHECK(box.address().send(i) == send_status::ok);
    CHECK(std::get<int>(*box.recv()) == 1);
    CHECK(std::get<int>(*box.recv()) == 2);
    CHECK_FALSE(box.try_recv());
    const weir::mailbox_counts n = box.counts();
    CHECK(n.sent == 5);
    CHECK(n.received == 2);
    CHECK(n.dropped == 3);
  });
}

TEST_CASE("drop_oldest makes room by throwing away what waited longest, and counts it") {
  in_actor([] {
    weir::mailbox<int, std::string> box({.capacity = 2, .when_full = overflow::drop_oldest});
    for (int i = 1; i <= 4; ++i) CHECK(box.address().send(i) == send_status::ok);
    CHECK(box.address().send(std::string("5")) == send_status::ok);
    CHECK(std::get<int>(*box.recv()) == 4);
    CHECK(std::get<std::string>(*box.recv()) == "5");
    const weir::mailbox_counts n = box.counts();
    CHECK(n.sent == 5);
    CHECK(n.received == 2);
    CHECK(n.dropped == 3);
  });
}

TEST_CASE("fail tells the sender, who keeps the message") {
  in_actor([] {
    weir::mailbox<parcel> box({.capacity = 1, .when_full = overflow::fail});
    parcel first = wrap(1), second = wrap(2);
    CHECK(box.address().send(std::move(first)) == send_status::ok);
    CHECK(box.address().send(std::move(second)) == send_status::full);
    CHECK(*second.number == 2);
    CHECK(box.counts().sent == 1);
    CHECK(box.counts().dropped == 0);
  });
}

TEST_CASE("a message that was not sent is still the caller's: timeout, closed, cancel") {
  in_actor([] {
    weir::mailbox<parcel> box({.capacity = 1});
    const auto to = box.address();
    to.send(wrap(0));
    parcel p = wrap(1);
    CHECK(to.send(std::move(p), 1ms) == send_status::timeout);
    CHECK(*p.number == 1);
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      try {
        to.send(std::move(p));
        EXPECT(false);
      } catch (const weir::cancelled&) {
        EXPECT(*p.number == 1);
        throw;
      }
    });
    to.close();
    CHECK(to.send(std::move(p)) == send_status::closed);
    CHECK(*p.number == 1);
  });
}

TEST_CASE("a full mailbox cannot keep out a stop or an exit notice, and they go first") {
  in_actor([] {
    weir::mailbox<int, weir::exit_notice, weir::stop_request> box({.capacity = 1});
    const auto to = box.address();
    to.send(1);
    auto failing = weir::spawn("failing", [] { throw std::runtime_error("x"); });
    box.watch(failing);
    failing.wait();
    to.stop();
    to.stop();
    std::string seen;
    eventually([&] {
      box.receive([&](int) { seen += "message "; }, [&](weir::exit_notice& n) { seen += n.name + " "; },
                  [&](weir::stop_request) { seen += "stop "; });
      return seen.size() > 19;
    });
    CHECK(seen == "stop failing message ");
    CHECK(box.try_recv().status() == weir::recv_status::empty);  // each of them once
    CHECK_THROWS(failing.join());
  });
}

TEST_CASE("a stop ends the receives of a mailbox that has no message for it, whatever is in it") {
  in_actor([] {
    weir::mailbox<int> box;
    auto receiver = weir::spawn("receiver", [&] {
      int seen = 0;
      while (box.receive([&](int) { ++seen; })) {
      }
      EXPECT(!box.recv());
      return seen;
    });
    eventually([] { return testing::waits("receiver", "select"); });
    box.address().stop();
    CHECK(receiver.join() == 0);
    CHECK(box.address().send(1) == send_status::ok);  // stopped is not closed
    CHECK(box.try_recv().status() == weir::recv_status::closed);
  });
}

TEST_CASE("a closed mailbox gives what is in it, and then it is over") {
  in_actor([] {
    weir::mailbox<int> box;
    const auto to = box.address();
    to.send(1);
    to.send(2);
    to.close();
    CHECK(to.send(3) == send_status::closed);
    int sum = 0;
    while (box.receive([&](int n) { sum += n; })) {
    }
    CHECK(sum == 3);
    CHECK(box.recv(1ms).status() == weir::recv_status::closed);
  });
}

TEST_CASE("an address keeps neither the mailbox open nor its messages alive; what was unread is counted") {
  in_actor([] {
    weir::address<counted> to;
    {
      weir::mailbox<counted> box({.name = "short-lived"});
      to = box.address();
      to.send(counted(1));
      to.send(counted(2));
      CHECK(counted::alive == 2);
    }
    CHECK(counted::alive == 0);
    CHECK(to.send(counted(3)) == send_status::closed);
    CHECK(to.name() == "short-lived");
    CHECK(to.counts().sent == 2);
    CHECK(to.counts().discarded == 2);
  });
}

TEST_CASE("the mailbox of an actor ends with the actor, also of one that fails or never ran") {
  in_actor([] {
    for (const bool fails : {false, true}) {
      weir::mailbox<int> box;
      const auto to = box.address();
      auto a = weir::spawn("owner", [fails, box = std::move(box)]() mutable {
        box.receive([](int) {});
        if (fails) throw std::runtime_error("x");
      });
      to.send(1);
      a.wait();
      CHECK(to.send(2) == send_status::closed);
      if (fails) CHECK_THROWS(a.join());
    }
  });
}

TEST_CASE("on_message is a case of select, and losers leave nothing behind") {
  in_actor([] {
    weir::mailbox<int, weir::exit_notice> box;
    const auto to = box.address();
    auto [tx, rx] = weir::channel<int>(0);
    auto endless = weir::spawn("endless", [] { weir::this_actor::sleep({}); });
    box.watch(endless);
    const auto look = [&, &in = rx](weir::deadline limit) {
      int what = 0;
      const bool more =
          weir::select(weir::on_message(
                           box, [&](int n) { what = n; }, [&](weir::exit_notice&) { what = -1; }),
                       weir::on_recv(in, [&](auto) { what = -2; }), weir::after(limit, [&] { what = -3; }));
      return more ? what : -4;
    };
    for (int i = 0; i < 200; ++i) {
      REQUIRE(look(10us) == -3);
      REQUIRE(to.core("test", {}).queue().receivers_waiting() == 0);
    }
    std::atomic<int> taken{0};
    auto helper = weir::spawn("helper", [&, to, &out = tx] {
      eventually([] { return testing::waits("main", "select"); });
      to.send(7);
      out.send(1);
      endless.cancel();
      eventually([&] { return taken == 3; });
      to.stop();
    });
    std::multiset<int> seen;
    for (; taken < 3; ++taken) seen.insert(look(1h));
    CHECK(seen == std::multiset<int>{-2, -1, 7});
    CHECK(look(1h) == -4);
    helper.join();
  });
}

TEST_CASE("the same mailbox in two cases of one select, and a select of a mailbox against one that sends to it") {
  in_actor([] {
    for (int i = 0; i < rounds(500); ++i) {
      weir::mailbox<int> box({.capacity = 1});
      auto sender = weir::spawn([to = box.address()] {
        for (int k = 0; k < 4; ++k) EXPECT(to.send(k) == send_status::ok);
      });
      int sum = 0;
      for (int k = 0; k < 4; ++k)
        weir::select(weir::on_message(box, [&](int n) { sum += n; }), weir::on_message(box, [&](int n) { sum += n; }));
      REQUIRE(sum == 6);
      sender.join();
    }
  });
}

TEST_CASE("a cancel ends a receive; while unwinding, a mailbox looks over") {
  in_actor([] {
    auto a = weir::spawn("receiver", [] {
      weir::mailbox<int> box;
      struct asks_again {
        weir::mailbox<int>& box;
        ~asks_again() { EXPECT(!box.recv()); }
      } const guard{box};
      box.receive([](int) {});
      EXPECT(false);
    });
    eventually([] { return testing::waits("receiver", "select"); });
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
  });
}

TEST_CASE("plain threads send to a mailbox, and own one") {
  weir::runtime r({.workers = 2});
  weir::mailbox<int> box({.capacity = 2});
  auto a = r.spawn([to = box.address()] {
    for (int i = 0; i < 1000; ++i) EXPECT(to.send(i) == send_status::ok);
    to.close();
  });
  int seen = 0;
  while (box.receive([&](int n) { CHECK(n == seen++); })) {
  }
  CHECK(seen == 1000);
  a.join();
  testing::check_expectations();
}

TEST_CASE("capacities and empty handles are checked") {
  in_actor([] {
    CHECK_THROWS_AS(weir::mailbox<int>({.capacity = 0}), weir::misuse);
    CHECK_THROWS_AS(weir::address<int>().send(1), weir::misuse);
    weir::mailbox<int> a, b = std::move(a);
    CHECK_THROWS_AS(a.address(), weir::misuse);
    CHECK_THROWS_WITH(a.receive([](int) {}), Catch::Contains("(mailbox_test.cc:"));
    CHECK_THROWS_WITH(weir::select(weir::on_message(a, [](int) {})), Catch::Contains("(mailbox_test.cc:"));
    CHECK(b.address() == b.address());
  });
}

TEST_CASE("nothing is lost uncounted: under each policy sent is received and dropped and discarded") {
  const auto policy = GENERATE(overflow::block, overflow::drop_newest, overflow::drop_oldest, overflow::fail);
  const bool ends_early = GENERATE(false, true);
  constexpr int senders = 4;
  const int each = rounds(20'000);
  const int before = counted::alive;
  std::atomic<std::uint64_t> ok{0}, refused{0};
  std::uint64_t received = 0;
  weir::mailbox_counts counts;
  in_actor(
      [&] {
        weir::address<counted> to;
        weir::with_scope([&](weir::scope& s) {
          weir::mailbox<counted> box({.capacity = 8, .when_full = policy});
          to = box.address();
          auto [done, end] = weir::channel<int>(0);
          for (int k = 0; k < senders; ++k)
            s.spawn("sender", [&, to, k, done = done] {
              for (int i = 0; i < each; ++i) {
                counted c(k * each + i);
                const int number = c.number;
                if (to.send(std::move(c)) == send_status::ok)
                  ++ok;
                else
                  ++refused, EXPECT(c.number == number);
                if (i % 64 == 0) weir::this_actor::yield();
              }
            });
          done.reset();
          std::vector<int> last(senders, -1);
          const auto take = [&](counted c) {
            ++received;
            EXPECT(c.number % each > last[c.number / each]);  // in order, none twice
            last[c.number / each] = c.number % each;
          };
          const std::uint64_t enough = ends_early ? static_cast<std::uint64_t>(each) / 10 : ~0ULL;
          while (received < enough &&
                 weir::select(weir::on_message(box, take), weir::on_recv(end, [](auto) { return false; }))) {
          }
          if (!ends_early)
            while (auto left = box.try_recv()) take(std::move(std::get<counted>(*left)));
        });
        counts = to.counts();
      },
      4);
  CHECK(ok + refused == static_cast<std::uint64_t>(senders) * each);
  CHECK(counts.sent == ok);
  CHECK(counts.received == received);
  CHECK(counts.sent == counts.received + counts.dropped + counts.discarded);
  if (!ends_early) CHECK(counts.discarded == 0);
  if (policy == overflow::block || policy == overflow::fail) CHECK(counts.dropped == 0);
  if (policy != overflow::fail && !ends_early) CHECK(refused == 0);
  CHECK(counted::alive == before);
}

TEST_CASE("cancelled and late senders keep their message or have sent it, never both and never neither") {
  in_actor(
      [] {
        std::uint64_t kept = 0, sent = 0, seen = 0;
        for (int i = 0; i < rounds(3'000); ++i) {
          weir::mailbox<parcel> box({.capacity = 1});
          const auto to = box.address();
          to.send(wrap(0));
          bool is_kept = false;
          auto sender = weir::spawn("sender", [&] {
            parcel p = wrap(i);
            try {
              to.send(std::move(p), i % 2 ? weir::deadline(1us) : weir::deadline());
            } catch (const weir::cancelled&) {
              is_kept = p.number != nullptr;
              throw;
            }
            is_kept = p.number != nullptr;
          });
          auto receiver = weir::spawn("receiver", [&] { return box.recv().has_value() + 0; });
          if (i % 3) weir::this_actor::yield();
          sender.cancel();
          sender.wait();
          seen += static_cast<std::uint64_t>(receiver.join());
          while (box.try_recv()) ++seen;
          ++(is_kept ? kept : sent);
        }
        CHECK(seen == sent + static_cast<std::uint64_t>(rounds(3'000)));
        CHECK(kept + sent == static_cast<std::uint64_t>(rounds(3'000)));
      },
      4);
}

TEST_CASE("stops and exits that race with a receive: each notice comes exactly once") {
  in_actor(
      [] {
        for (int i = 0; i < rounds(3'000); ++i) {
          weir::mailbox<int, weir::exit_notice, weir::stop_request> box({.capacity = 1});
          auto watched = weir::spawn("watched", [] {});
          box.watch(watched);
          auto stopper = weir::spawn("stopper", [to = box.address()] {
            to.send(1);
            to.stop();
          });
          int messages = 0, exits = 0, stops = 0;
          while (messages + exits + stops < 3)
            box.receive([&](int) { ++messages; }, [&](weir::exit_notice) { ++exits; },
                        [&](weir::stop_request) { ++stops; });
          REQUIRE(messages == 1);
          REQUIRE(exits == 1);
          REQUIRE(stops == 1);
          stopper.join();
          REQUIRE_FALSE(box.try_recv());
        }
      },
      4);
}
