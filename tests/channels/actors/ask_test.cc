#include "weir/channels/actors/ask.h"

#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/channels/actors/mailbox.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using weir::ask_status;

namespace {

struct twice {
  int number;
  weir::reply_to<int> reply;
};
const auto twice_of = [](int n) { return [n](weir::reply_to<int> reply) { return twice{n, std::move(reply)}; }; };
constexpr auto a_long_time = 60s;  // a test that comes to its end fails by its own time limit

}  // namespace

TEST_CASE("ask gives the answer of the actor") {
  in_actor([] {
    weir::mailbox<twice> box;
    const auto to = box.address();
    auto server = weir::spawn("server", [box = std::move(box)]() mutable {
      while (box.receive([](twice& q) { std::move(q.reply).send(2 * q.number); })) {
      }
    });
    for (int i = 0; i < 100; ++i) {
      auto answer = weir::ask<int>(to, twice_of(i), a_long_time);
      REQUIRE(answer);
      CHECK(*answer == 2 * i);
      CHECK(answer.value() == 2 * i);
      CHECK(answer.status() == ask_status::ok);
      CHECK(answer.why().empty());
    }
    to.stop();
    server.join();
  });
}

TEST_CASE("a request dropped unanswered is an error at once, with a text that names the mailbox and the place") {
  in_actor([] {
    weir::mailbox<twice> box({.name = "forgetful"});
    const auto to = box.address();
    auto server = weir::spawn("server", [box = std::move(box)]() mutable {
      while (box.receive([](twice) {})) {
      }
    });
    const auto answer = weir::ask<int>(to, twice_of(1), a_long_time);
    CHECK_FALSE(answer);
    CHECK(answer.status() == ask_status::unanswered);
    CHECK(answer.why().starts_with("ask: mailbox \"forgetful\" dropped the request unanswered (asked at ask_test.cc:"));
    auto again = weir::ask<int>(to, twice_of(1), a_long_time);
    try {
      again.value();
      CHECK(false);
    } catch (const weir::ask_failed& e) {
      CHECK(e.status() == ask_status::unanswered);
      CHECK(e.what() == again.why());
    }
    to.stop();
    server.join();
  });
}

TEST_CASE("an actor that fails with the request in its hands, or with it unread, is an error at once") {
  in_actor([] {
    for (const int unread : {0, 1}) {
      weir::mailbox<twice> box;
      const auto to = box.address();
      auto server = weir::spawn("server", [&to, unread, box = std::move(box)]() mutable {
        eventually([&] { return to.length() == 2; });
        if (unread == 0) box.receive([](twice) { throw std::runtime_error("x"); });
      });
      auto other = weir::spawn("other", [&to] { return weir::ask<int>(to, twice_of(2), a_long_time).status(); });
      CHECK(weir::ask<int>(to, twice_of(1), a_long_time).status() == ask_status::unanswered);
      CHECK(other.join() == ask_status::unanswered);
      server.wait();
      if (unread == 0) CHECK_THROWS(server.join());
    }
  });
}

TEST_CASE("an ask to an actor that has ended fails at once") {
  in_actor([] {
    weir::mailbox<twice> box({.name = "gone"});
    const auto to = box.address();
    auto server = weir::spawn("server", [box = std::move(box)] {});
    server.join();
    const auto answer = weir::ask<int>(to, twice_of(1), a_long_time);
    CHECK(answer.status() == ask_status::ended);
    CHECK(answer.why().starts_with("ask: mailbox \"gone\" has ended"));
  });
}

TEST_CASE("the deadline holds for a full mailbox and for a slow answer; it must be one that comes") {
  in_actor([] {
    weir::mailbox<twice> box({.capacity = 1, .name = "slow"});
    const auto to = box.address();
    const auto before = weir::internal::now();
    CHECK(weir::ask<int>(to, twice_of(1), 2ms).status() == ask_status::timeout);  // waits for its answer
    CHECK(weir::ask<int>(to, twice_of(2), 2ms).status() == ask_status::timeout);  // for room
    CHECK(weir::internal::now() - before >= 4ms);
    CHECK(to.counts().sent == 1);
    CHECK_THROWS_AS(weir::ask<int>(to, twice_of(1), weir::deadline::never()), weir::misuse);
    // The late answer finds nobody.
    CHECK(box.receive([](twice& q) { return !std::move(q.reply).send(1); }));
  });
}

TEST_CASE("overflow policies tell the one who asked") {
  in_actor([] {
    weir::mailbox<twice> fails({.capacity = 1, .when_full = weir::overflow::fail});
    weir::mailbox<twice> newest({.capacity = 1, .when_full = weir::overflow::drop_newest});
    weir::mailbox<twice> oldest({.capacity = 1, .when_full = weir::overflow::drop_oldest});
    for (auto* box : {&fails, &newest, &oldest}) {
      auto first = weir::spawn("first", [to = box->address(), box, &oldest] {
        const auto answer = weir::ask<int>(to, twice_of(1), a_long_time);
        EXPECT(answer.status() == (box == &oldest ? ask_status::unanswered : ask_status::ok));
      });
      eventually([&] { return box->length() == 1; });
      if (box == &oldest) {
        box->address().send(twice{2, {}});
      } else {
        const auto answer = weir::ask<int>(box->address(), twice_of(2), a_long_time);
        CHECK(answer.status() == (box == &fails ? ask_status::full : ask_status::unanswered));
      }
      box->receive([](twice& q) {
        if (q.reply) std::move(q.reply).send(0);
      });
      first.join();
    }
  });
}

TEST_CASE("in a cancelled scope a mailbox that has ended is a cancel, whatever it does when it is full") {
  in_actor([] {
    for (const auto policy :
         {weir::overflow::block, weir::overflow::drop_newest, weir::overflow::drop_oldest, weir::overflow::fail}) {
      weir::address<twice> to;
      {
        weir::mailbox<twice> box({.when_full = policy});
        to = box.address();
      }
      CHECK(to.send(twice{1, {}}) == weir::send_status::closed);
      bool went_on = false;
      weir::with_scope([&](weir::scope& s) {
        s.spawn("sender", [&] {
          s.cancel();
          to.send(twice{1, {}});
          went_on = true;
        });
      });
      CHECK_FALSE(went_on);
    }
  });
}

TEST_CASE("a cancel ends an ask that waits, and in a cancelled scope a dropped request is a cancel") {
  in_actor([] {
    weir::mailbox<twice> box;
    auto asker = weir::spawn("asker", [to = box.address()] {
      (void)weir::ask<int>(to, twice_of(1), a_long_time);
      EXPECT(false);
    });
    eventually([] { return testing::waits("asker", "recv"); });
    asker.cancel();
    CHECK_THROWS_AS(asker.join(), weir::actor_cancelled);
    weir::with_scope([&](weir::scope& s) {
      s.spawn("asker", [&s, to = box.address()] {
        (void)weir::ask<int>(
            to,
            [&s](auto reply) {
              s.cancel();
              reply.reset();
              return twice{1, std::move(reply)};
            },
            a_long_time);
        EXPECT(false);
      });
    });
  });
}

TEST_CASE("a plain thread asks") {
  weir::runtime r({.workers = 2});
  weir::mailbox<twice> box;
  const auto to = box.address();
  auto server = r.spawn("server", [box = std::move(box)]() mutable {
    while (box.receive([](twice& q) { std::move(q.reply).send(2 * q.number); })) {
    }
  });
  CHECK(weir::ask<int>(to, twice_of(4), a_long_time).value() == 8);
  to.stop();
  server.join();
}

TEST_CASE("asks against an actor that dies at any moment: an answer or an error, at once, never a hang") {
  std::atomic<int> answered{0}, failed{0};
  const int games = rounds(10'000);
  in_actor(
      [&] {
        for (int i = 0; i < games; ++i) {
          weir::mailbox<twice> box({.capacity = 2});
          const auto to = box.address();
          auto server = weir::spawn("server", [i, box = std::move(box)]() mutable {
            for (int k = 0; k < i / 6 % 3; ++k)  // two are asked
              if (!box.receive([&](twice& q) {
                    if (i % 7 != 0) std::move(q.reply).send(2 * q.number);
                    if (i % 5 == 0) throw std::runtime_error("x");
                  }))
                return;
          });
          auto killer = weir::spawn("killer", [&, i] {
            if (i % 2) weir::this_actor::yield();
            if (i % 3 == 0) server.cancel();
            if (i % 3 == 1) to.stop();
          });
          const auto ask_one = [&to](int n) {
            auto answer = weir::ask<int>(to, twice_of(n), a_long_time);
            EXPECT(answer.status() != ask_status::timeout);
            EXPECT(!answer || *answer == 2 * n);
            return static_cast<bool>(answer);
          };
          auto other = weir::spawn("other", [&] { return ask_one(1); });
          const bool mine = ask_one(2);
          const bool its = other.join();
          answered += mine + its;
          failed += !mine + !its;
          killer.join();
          server.wait();
          try {
            server.join();
          } catch (const std::exception&) {  // it was cancelled or threw "x"
          }
        }
      },
      4);
  CHECK(answered + failed == 2 * games);
  CHECK(answered > 0);
  CHECK(failed > 0);
}
