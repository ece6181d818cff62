#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/pipeline/partition_by.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::endless;
using testing::in_actor;
using testing::numbers;
using testing::sorted;

namespace {

struct event_of {
  int user;
  int number;  // of that user
};
std::vector<event_of> events(int users, int each) {
  std::vector<event_of> all;
  for (int n = 0; n < each; ++n)
    for (int u = 0; u < users; ++u) all.push_back({u, n});
  return all;
}

}  // namespace

TEST_CASE("partition_by: items of one key go through the same instance, in order") {
  in_actor([] {
    std::atomic<int> instances{0};
    struct state {
      int id;
      std::map<int, int> next;  // by user
    };
    struct seen {
      int user, number, instance;
      bool in_order;
    };
    auto r = weir::from(events(50, 40)) |
             weir::partition_by(&event_of::user, 4,
                                [&](auto part) {
                                  return part | weir::map_with(
                                                    [&] {
                                                      return state{instances++, {}};
                                                    },
                                                    [](state& s, event_of e) {
                                                      if (e.user % 7 == 0) weir::this_actor::yield();
                                                      return seen{e.user, e.number, s.id, s.next[e.user]++ == e.number};
                                                    },
                                                    {.name = "count"});
                                }) |
             weir::collect() | weir::execute();
    CHECK(instances == 4);
    REQUIRE(r.value.size() == 50 * 40);
    std::map<int, int> next, instance;
    std::set<int> used;
    for (const seen& s : r.value) {
      CHECK(s.in_order);
      CHECK(next[s.user]++ == s.number);  // behind it, too
      CHECK(instance.try_emplace(s.user, s.instance).first->second == s.instance);
      used.insert(s.instance);
    }
    CHECK(used.size() == 4);  // 50 users are spread over all of them
    CHECK(testing::stage(r.report, "partition_by 1").in == 2000);
    CHECK(testing::stage(r.report, "partition_by 1").out == 2000);
    std::int64_t in = 0;
    for (const char* name : {"count[0]", "count[1]", "count[2]", "count[3]"}) {
      CHECK(testing::stage(r.report, name).out == testing::stage(r.report, name).in);
      in += testing::stage(r.report, name).in;
    }
    CHECK(in == 2000);
    CHECK(r.report.items() == 2000);  // the partitions are no sources
    CHECK(r.report.stages.back().before.size() == 4);
  });
}

TEST_CASE("a partition may have several stages, also parallel ones, or none, and items may be move-only") {
  in_actor([] {
    const auto boxed = [](int i) { return std::make_unique<int>(i); };
    const auto key = [](const std::unique_ptr<int>& p) { return std::to_string(*p); };
    auto r = weir::from(numbers(300)) | weir::map(boxed) |
             weir::partition_by(key, 3,
                                [](auto part) {
                                  return part | weir::filter([](const auto& p) { return *p % 2 == 0; }) |
                                         weir::map([](auto p) { return *p; }, {.parallel = 2}) |
                                         weir::map([](int i) { return i + 1; });
                                }) |
             weir::partition_by([](int i) { return i; }, 2, [](auto part) { return part; }) |
             weir::reduce(0, [](int sum, int i) { return sum + i; }) | weir::execute();
    CHECK(r.value == 149 * 150 + 150);
  });
}

TEST_CASE("batches of a partition are flushed at the end") {
  in_actor([] {
    auto r = weir::from(numbers(100)) |
             weir::partition_by([](int i) { return i % 10; }, 3, [](auto part) { return part | weir::batch(7); }) |
             weir::collect() | weir::execute();
    std::vector<int> all;
    for (const auto& batch : r.value) {
      CHECK(batch.size() <= 7);
      all.insert(all.end(), batch.begin(), batch.end());
    }
    CHECK(sorted(all) == numbers(100));
  });
}

TEST_CASE("a partition that wants no more leaves the others running, and when none does the sources end") {
  in_actor([] {
    const auto by_half = [](int i) { return i % 2; };
    auto r = endless() | weir::partition_by(by_half, 5, [](auto part) { return part | weir::take(4); }) |
             weir::take(8) | weir::collect() | weir::execute();
    CHECK(r.value.size() == 8);
    // All of them through: the source hears it, though it waits for an item.
    auto [tx, rx] = weir::channel<int>(16);
    for (const int i : numbers(16)) tx.send(i);
    auto one = weir::from(std::move(rx)) |
               weir::partition_by([](int) { return 0; }, 1, [](auto part) { return part | weir::take(16); }) |
               weir::collect() | weir::execute();
    CHECK(one.value == numbers(16));
    CHECK(tx.try_send(1) == weir::send_status::closed);
  });
}

TEST_CASE("a stage of a partition that fails ends the pipeline, and so does a key, unless on_error has a remedy") {
  in_actor([] {
    const auto picky = [](int i) { return i == 50 ? throw std::runtime_error("no fifty") : i; };
    CHECK_THROWS_WITH(endless() |
                          weir::partition_by([](int i) { return i; }, 1,
                                             [&](auto part) { return part | weir::map(picky, {.name = "picky"}); }) |
                          weir::into([](int) {}) | weir::execute(),
                      "stage \"picky[0]\": no fifty");
    const auto same = [](auto part) { return part; };
    CHECK_THROWS_WITH(endless() | weir::partition_by(picky, 3, same) | weir::into([](int) {}) | weir::execute(),
                      "stage \"partition_by 1\": no fifty");
    auto rest = weir::from(numbers(100)) | weir::partition_by(picky, 3, same) | weir::on_error(weir::skip) |
                weir::collect() | weir::execute();
    CHECK(rest.value.size() == 99);
  });
}

TEST_CASE("a cancel from outside ends all partitions, and less than one partition is misuse") {
  in_actor([] {
    CHECK_FALSE(weir::within(2ms, [] {
      endless() |
          weir::partition_by([](int i) { return i; }, 3,
                             [](auto part) { return part | weir::map([](int i) { return i; }); }) |
          weir::into([](int) { weir::this_actor::yield(); }) | weir::execute();
    }));
    CHECK_THROWS_AS(weir::partition_by([](int i) { return i; }, 0, [](auto part) { return part; }), weir::misuse);
  });
}
