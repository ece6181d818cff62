#include "weir/runtime/gather.h"

#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;

namespace {

void sleep_for_ever() { weir::this_actor::sleep(weir::deadline::never()); }

std::vector<int> first_numbers(int count) {
  std::vector<int> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

}  // namespace

TEST_CASE("gather runs its functions at once and gives a tuple in their order, with monostate for void") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(0);
    int ran = 0;
    const auto [sent, nothing, got, owned] = weir::gather([&, tx = tx] { return tx.send(4); }, [&] { ++ran; },
                                                          [&, rx = rx] { return rx.recv().value_or(-1); },
                                                          [] { return std::make_unique<std::string>("moved"); });
    CHECK(sent);
    CHECK(nothing == std::monostate());
    CHECK(ran == 1);
    CHECK(got == 4);
    CHECK(*owned == "moved");
    const auto two = weir::gather([] { return 1; }, [] { return 2.5; });
    static_assert(std::is_same_v<decltype(two), const std::tuple<int, double>>);
    CHECK(two == std::tuple(1, 2.5));
    CHECK(std::get<2>(weir::gather([] {}, [] {}, [] { return 3; })) == 3);
    const auto one = [] { return 1; };
    CHECK(weir::gather(one, one, one, one, one, one) == std::tuple(1, 1, 1, 1, 1, 1));
  });
}

TEST_CASE("the first failure in a gather cancels the rest and is rethrown when all have ended") {
  in_actor([] {
    std::atomic<bool> cut{false};
    auto program = [&] {
      weir::gather([] { throw std::runtime_error("first"); },
                   [&] {
                     try {
                       sleep_for_ever();
                     } catch (const weir::cancelled&) {
                       cut = true;
                       throw;
                     }
                   });
    };
    CHECK_THROWS_WITH(program(), "first");
    CHECK(cut);
  });
}

TEST_CASE("a cancel reaches the functions of a gather and goes on outwards") {
  in_actor([] {
    std::atomic<int> begun{0};
    bool after = false;
    auto a = weir::spawn("host", [&] {
      const auto f = [&] { ++begun, sleep_for_ever(); };
      weir::gather(f, f);
      after = true;
    });
    eventually([&] { return begun == 2; });
    a.cancel();
    CHECK_THROWS_AS(a.join(), weir::actor_cancelled);
    CHECK_FALSE(after);
  });
}

TEST_CASE("a gather that has no results because its caller unwinds throws actor_cancelled") {
  in_actor([] {
    bool seen = false;
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      weir::shielded(0s, [&] {  // the grace is over: parks do not throw, so something else must
        const auto f = [] {
          sleep_for_ever();
          return 1;
        };
        CHECK_THROWS_WITH(weir::gather(f, f), Catch::Contains("gather at gather_test.cc:"));
        CHECK_THROWS_AS(weir::gather_each(first_numbers(3), [&](int) { return f(); }), weir::actor_cancelled);
        seen = true;
      });
    });
    CHECK(seen);
  });
}

TEST_CASE("gather_each gives the results in the order of the elements, whichever ends first") {
  in_actor([] {
    const auto squares = weir::gather_each(first_numbers(50), [](int i) {
      weir::this_actor::sleep(std::chrono::microseconds(50 - i));
      return i * i;
    });
    REQUIRE(squares.size() == 50);
    for (int i = 0; i < 50; ++i) CHECK(squares[static_cast<std::size_t>(i)] == i * i);
    CHECK(weir::gather_each(std::vector<int>(), [](int) { return 1; }).empty());
  });
}

TEST_CASE("gather_each works on what stays in place, and takes what does not into its actors") {
  in_actor([] {
    std::list<std::unique_ptr<int>> owned;
    owned.push_back(std::make_unique<int>(1));
    owned.push_back(std::make_unique<int>(2));
    weir::gather_each(owned, [](std::unique_ptr<int>& p) { *p *= 10; });  // void: nothing is returned
    CHECK(*owned.front() == 10);
    CHECK(*owned.back() == 20);

    const std::map<std::string, int> ages{{"a", 1}, {"b", 2}};
    CHECK(weir::gather_each(ages, [](const auto& entry) { return entry.second; }) == std::vector<int>{1, 2});
    CHECK(weir::gather_each(std::views::iota(0, 4), [](int i) { return i; }) == std::vector<int>{0, 1, 2, 3});

    auto [tx, rx] = weir::channel<std::unique_ptr<int>>(2);
    auto source = weir::spawn("source", [tx = std::move(tx)] {
      for (int i = 0; i < 100; ++i) tx.send(std::make_unique<int>(i));
    });
    const auto got = weir::gather_each(rx,
                                       [](std::unique_ptr<int>& p) {
                                         weir::this_actor::yield();
                                         return *p;
                                       },
                                       {.parallel = 4});
    CHECK(got == first_numbers(100));
    source.join();
  });
}

TEST_CASE("parallel bounds how many functions of a gather_each run at once") {
  in_actor([] {
    std::atomic<int> running{0}, most{0};
    weir::gather_each(first_numbers(60),
                      [&](int) {
                        const int now = ++running;
                        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
                        }
                        eventually([&] { return most >= 5; });  // as many as may run do, at least once
                        weir::this_actor::sleep(50us);
                        --running;
                      },
                      {.parallel = 5});
    CHECK(most == 5);
    CHECK_THROWS_WITH(weir::gather_each(first_numbers(1), [](int) {}, {.parallel = -2}),
                      Catch::Contains("gather_each: the limit must be 1 or more") && Catch::Contains("got -2"));
  });
}

TEST_CASE("on_error cancel_rest rethrows the first failure and starts no more") {
  in_actor([] {
    std::vector<std::exception_ptr> failures;
    std::atomic<int> begun{0};
    auto program = [&] {
      weir::gather_each(std::views::iota(0),  // without end
                        [&](int i) {
                          ++begun;
                          if (i == 3) throw std::runtime_error("at three");
                          weir::this_actor::sleep(10us);
                        },
                        {.parallel = 4, .failures = &failures});
    };
    CHECK_THROWS_WITH(program(), "at three");
    CHECK(begun >= 4);
    CHECK(failures.empty());
  });
}

TEST_CASE("on_error finish_rest lets all finish and rethrows the failure of the first element") {
  in_actor([] {
    std::vector<std::exception_ptr> failures;
    std::atomic<int> finished{0};
    auto program = [&] {
      weir::gather_each(first_numbers(20),
                        [&](int i) {
                          weir::this_actor::sleep(std::chrono::microseconds(20 - i));
                          if (i % 5 == 4) throw i;
                          ++finished;
                        },
                        {.on_error = weir::failure_policy::finish_rest, .failures = &failures});
    };
    try {
      program();
      FAIL_CHECK("did not throw");
    } catch (int i) {
      CHECK(i == 4);
    }
    CHECK(finished == 16);
    REQUIRE(failures.size() == 3);
    CHECK_THROWS_AS(std::rethrow_exception(failures[0]), int);
  });
}

TEST_CASE("on_error leave_out returns what succeeded and lists all failures") {
  in_actor([] {
    std::vector<std::exception_ptr> failures;
    const auto even =
        weir::gather_each(first_numbers(10),
                          [](int i) {
                            weir::this_actor::yield();
                            if (i % 2 == 1) throw std::runtime_error(std::to_string(i));
                            return i;
                          },
                          {.parallel = 3, .on_error = weir::failure_policy::leave_out, .failures = &failures});
    CHECK(even == std::vector<int>{0, 2, 4, 6, 8});
    REQUIRE(failures.size() == 5);
    CHECK_THROWS_WITH(std::rethrow_exception(failures[0]), "1");
    CHECK_THROWS_WITH(std::rethrow_exception(failures[4]), "9");
  });
}

TEST_CASE("a cancel is no failure that leave_out could keep to itself") {
  in_actor([] {
    CHECK_FALSE(weir::within(1ms, [] {
                  return weir::gather_each(first_numbers(3),
                                           [](int) {
                                             sleep_for_ever();
                                             return 1;
                                           },
                                           {.on_error = weir::failure_policy::leave_out});
                }).has_value());
  });
}

TEST_CASE("gathers in gathers, failing and timing out at random: every function that began has ended") {
  in_actor([] {
    for (int i = 0; i < rounds(500); ++i) {
      std::atomic<int> alive{0};
      const auto one = [&](int k) {
        struct mark {
          std::atomic<int>& n;
          explicit mark(std::atomic<int>& count) : n(count) { ++n; }
          ~mark() { --n; }
        } m{alive};
        weir::this_actor::sleep(std::chrono::microseconds((i + k) % 9));
        if ((i * 7 + k) % 13 == 0) throw k;
        return k;
      };
      const auto many = [&](int from) {
        return weir::gather_each(std::views::iota(from, from + 6), one, {.parallel = 1 + i % 3}).size();
      };
      try {
        const auto result = weir::within(std::chrono::microseconds(30 + i % 200), [&] {
          return weir::gather([&] { return many(0); }, [&] { return many(100); });
        });
        if (result) REQUIRE(*result == std::tuple<std::size_t, std::size_t>(6, 6));
      } catch (int) {
      }
      REQUIRE(alive == 0);
    }
  });
}
