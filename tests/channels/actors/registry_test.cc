#include "weir/channels/actors/registry.h"

#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/actors/mailbox.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/this_actor.h"

using testing::in_actor;
using testing::rounds;

namespace {

template <class F>
std::string misuse_text(F f) {
  try {
    f();
  } catch (const weir::misuse& e) {
    return e.what();
  }
  return "no misuse";
}

}  // namespace

TEST_CASE("a registered name leads to its mailbox") {
  in_actor([] {
    const weir::registry names;
    CHECK_FALSE(names.lookup<int>("db"));
    weir::mailbox<int> box;
    names.register_name("db", box.address());
    auto other = weir::spawn("other", [] {
      const auto db = weir::registry().lookup<int>("db");
      EXPECT(db && db->send(3) == weir::send_status::ok);
    });
    other.join();
    CHECK(std::get<int>(*box.recv()) == 3);
    CHECK(names.names() == std::vector<std::string>{"db"});
    CHECK(names.unregister("db"));
    CHECK_FALSE(names.unregister("db"));
    CHECK_FALSE(names.lookup<int>("db"));
  });
}

TEST_CASE("names vanish with their actor, before its exit is published, and are free for the next") {
  in_actor([] {
    const weir::registry names;
    for (int i = 0; i < rounds(1'000); ++i) {
      auto a = weir::spawn("db", [&] {
        weir::mailbox<int> box;
        names.register_name("db", box.address());
        names.register_name("alias", box.address());
        if (i % 2) throw std::runtime_error("x");
      });
      a.wait();
      REQUIRE(names.names().empty());
      if (i % 2) CHECK_THROWS(a.join());
    }
  });
}

TEST_CASE("a taken name, an empty one and a mailbox that has ended are misuse with remedy") {
  in_actor([] {
    const weir::registry names;
    weir::mailbox<int> first({.name = "first"}), second;
    names.register_name("db", first.address());
    const std::string taken = misuse_text([&] { names.register_name("db", second.address()); });
    CHECK(taken.starts_with(
        "registry::register_name: a name is taken once, got \"db\", which mailbox \"first\" has (registry_test.cc:"));
    CHECK(taken.find("unregister() it first") != std::string::npos);
    CHECK(misuse_text([&] { names.register_name("", second.address()); }).find("at least one character") !=
          std::string::npos);
    const auto to = first.address();
    first = weir::mailbox<int>();
    CHECK_FALSE(names.lookup<int>("db"));
    CHECK(misuse_text([&] { names.register_name("x", to); }).find("must not have ended") != std::string::npos);
    CHECK(names.names().empty());
  });
}

TEST_CASE("a lookup with the wrong message types says what is registered and what was asked for") {
  in_actor([] {
    const weir::registry names;
    weir::mailbox<int, double> box;
    names.register_name("db", box.address());
    const std::string text = misuse_text([&] { (void)names.lookup<int>("db"); });
    CHECK(
        text.starts_with("registry::lookup: \"db\" is registered as weir::address<int, double>, got "
                         "weir::address<int> (registry_test.cc:"));
  });
}

TEST_CASE("each runtime has names of its own, and a plain thread says whose it means") {
  weir::runtime one({.workers = 1}), two({.workers = 1});
  weir::mailbox<int> box;
  weir::registry(one).register_name("db", box.address());
  CHECK(weir::registry(one).lookup<int>("db"));
  CHECK_FALSE(weir::registry(two).lookup<int>("db"));
  one.run([] { EXPECT(weir::registry().lookup<int>("db").has_value()); });
  CHECK(misuse_text([] { weir::registry(); }).find("the registry belongs to a runtime") != std::string::npos);
  testing::check_expectations();
}

TEST_CASE("a mailbox may outlive the runtime that knows its name") {
  weir::mailbox<int> box;
  {
    weir::runtime r({.workers = 1});
    weir::registry(r).register_name("db", box.address());
  }
  box.address().send(1);
}

TEST_CASE("lookups race with ends: an address is good or empty") {
  in_actor(
      [] {
        std::atomic<bool> over{false};
        std::atomic<int> found{0};
        std::vector<weir::actor<void>> seekers;
        for (int i = 0; i < 3; ++i)
          seekers.push_back(weir::spawn("seeker", [&] {
            const weir::registry names;
            while (!over) {
              if (const auto to = names.lookup<int>("db")) {
                ++found;
                (void)to->try_send(1);
              }
              weir::this_actor::yield();
            }
          }));
        const weir::registry names;
        for (int i = 0; i < rounds(5'000) || found == 0; ++i) {  // more, as long as no seeker had a core
          weir::mailbox<int> box({.capacity = 1});
          names.register_name("db", box.address());
          weir::this_actor::yield();
          if (i % 3 == 0) names.unregister("db");
        }
        over = true;
        for (auto& s : seekers) s.join();
        CHECK(names.names().empty());
        CHECK(found > 0);
      },
      4);
}
