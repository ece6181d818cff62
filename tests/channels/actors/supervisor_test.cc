#include "weir/channels/actors/supervisor.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/channels/actors/mailbox.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using weir::child_kind;
using weir::restart_strategy;

namespace {

// What happened, in order: "+a" a started, "-a" a ended.
class diary {
 public:
  void note(const std::string& what) {
    std::lock_guard guard(mutex_);
    text_ += (text_.empty() ? "" : " ") + what;
  }
  std::string text() const {
    std::lock_guard guard(mutex_);
    return text_;
  }
  std::string take() {
    std::lock_guard guard(mutex_);
    return std::exchange(text_, {});
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// A child that says when it comes and goes, and runs until it is asked to stop or cancelled.
weir::child_function resident(diary& d, const std::string& name) {
  return [&d, name](weir::supervised& self) {
    struct life {
      diary& d;
      const std::string& name;
      ~life() { d.note("-" + name); }
    } const guard{d, name};
    d.note("+" + name);
    self.ready();
    weir::select(weir::on_stop(self, [] {}));
  };
}

void until(const diary& d, const std::string& text) {
  eventually([&] { return d.text() == text; });
}

}  // namespace

TEST_CASE("children start in order and are shut down in reverse, each asked first") {
  in_actor([] {
    diary d;
    weir::supervisor sup;
    for (const char* name : {"a", "b", "c"})
      CHECK(sup.add({.name = name, .run = resident(d, name), .awaits_ready = true}));
    weir::with_scope([&](weir::scope& s) {
      s.spawn("sup", [&] { sup.run(); });
      until(d, "+a +b +c");
      sup.shutdown();
    });
    CHECK(d.text() == "+a +b +c -c -b -a");
    CHECK(sup.restarts() == 0);
  });
}

TEST_CASE(
    "restart order: one_for_one starts the child that ended, one_for_all all, rest_for_one it and those after it") {
  struct sample {
    restart_strategy strategy;
    const char* expected;
  };
  const sample s = GENERATE(sample{restart_strategy::one_for_one, "-b +b"},
                            sample{restart_strategy::one_for_all, "-b -d -c -a +a +b +c +d"},
                            sample{restart_strategy::rest_for_one, "-b -d -c +b +c +d"});
  in_actor([s] {
    diary d;
    weir::supervisor sup({.strategy = s.strategy});
    for (const char* name : {"a", "b", "c", "d"})
      sup.add({.name = name, .run = resident(d, name), .awaits_ready = true});
    auto runner = weir::spawn("sup", [&] { sup.run(); });
    until(d, "+a +b +c +d");
    d.take();
    CHECK(sup.kill("b"));
    until(d, s.expected);
    d.take();
    sup.shutdown();
    runner.join();
    CHECK(d.text() == "-d -c -b -a");
  });
}

TEST_CASE(
    "permanent children are always started again, transient ones after a failure or cancel, temporary ones never") {
  struct sample {
    child_kind kind;
    int lives_returning, lives_failing, lives_killed;
  };
  const sample s = GENERATE(sample{child_kind::permanent, 3, 3, 2}, sample{child_kind::transient, 1, 3, 2},
                            sample{child_kind::temporary, 1, 1, 1});
  in_actor([s] {
    const auto lives = [&](auto end) {
      auto count = std::make_shared<std::atomic<int>>(0);
      weir::supervisor sup({.restarts = 2});
      sup.add({.name = "child", .run = [count, end] { end(++*count); }, .kind = s.kind});
      try {
        sup.run();
      } catch (const weir::supervisor_gave_up&) {
      }
      return count->load();
    };
    CHECK(lives([](int) {}) == s.lives_returning);
    CHECK(lives([](int) { throw std::runtime_error("x"); }) == s.lives_failing);

    std::atomic<int> count{0};
    weir::supervisor sup({.restarts = 2, .stays = true});
    sup.add({.name = "child",
             .run =
                 [&count] {
                   ++count;
                   weir::this_actor::sleep({});
                 },
             .kind = s.kind});
    auto runner = weir::spawn("sup", [&] { sup.run(); });
    eventually([&] { return count == 1; });
    sup.kill("child");
    if (s.lives_killed == 2)
      eventually([&] { return count == 2; });
    else
      eventually([&] { return !sup.kill("child"); });
    sup.shutdown();
    runner.join();
    CHECK(count == s.lives_killed);
  });
}

TEST_CASE("too many restarts within the window: the supervisor shuts down and throws the children's failure as cause") {
  in_actor([] {
    diary d;
    std::atomic<int> lives{0};
    auto [events, log] = weir::channel<weir::supervisor_event>(64);
    weir::supervisor sup({.restarts = 3, .within = 1h, .name = "db", .events = std::move(events)});
    sup.add({.name = "a", .run = resident(d, "a"), .awaits_ready = true});
    sup.add({.name = "bad", .run = [&] {
               ++lives;
               throw std::runtime_error("no such table");
             }});
    sup.add({.name = "z", .run = resident(d, "z"), .awaits_ready = true});
    try {
      weir::with_scope([&](weir::scope& s) { s.spawn("sup", [&] { sup.run(); }); });
      CHECK(false);
    } catch (const weir::supervisor_gave_up& e) {
      const std::string text = e.what();
      CHECK(text.starts_with("supervisor \"db\" gave up, as it may restart 3 times within 3600000 ms"));
      CHECK(text.find("actor \"bad\" (#") != std::string::npos);
      CHECK(text.ends_with("failed: no such table"));
      CHECK_THROWS_WITH(std::rethrow_exception(e.cause()), "no such table");
    }
    CHECK(lives == 4);
    CHECK(sup.restarts() == 3);
    CHECK(d.text() == "+a +z -z -a");
    std::string last;
    int exits = 0;
    for (const weir::supervisor_event& e : log) {
      if (e.kind == weir::supervisor_event::what::gave_up)
        last = e.child.name + ": " + weir::failure_text(e.child.failure);
      if (e.kind == weir::supervisor_event::what::exited) ++exits;
    }
    CHECK(last == "bad: no such table");
    CHECK(exits == 6);
  });
}

TEST_CASE("restarts that lie further back than the window do not count") {
  in_actor([] {
    std::atomic<int> lives{0};
    weir::supervisor sup({.restarts = 1, .within = 1ms});
    sup.add({.name = "slow to fail",
             .run =
                 [&] {
                   if (++lives == 8) return;
                   weir::this_actor::sleep(3ms);
                   throw std::runtime_error("x");
                 },
             .kind = child_kind::transient});
    sup.run();
    CHECK(lives == 8);
  });
}

TEST_CASE("supervisors nest: one that gives up is a failed child of the one above") {
  in_actor([] {
    std::atomic<int> inner_lives{0}, child_lives{0};
    weir::supervisor outer({.restarts = 2});
    outer.add({.name = "inner", .run = [&] {
                 ++inner_lives;
                 weir::supervisor inner({.restarts = 1});
                 inner.add({.name = "bad", .run = [&] {
                              ++child_lives;
                              throw std::runtime_error("x");
                            }});
                 inner.run();
               }});
    CHECK_THROWS_AS(outer.run(), weir::supervisor_gave_up);
    CHECK(inner_lives == 3);
    CHECK(child_lives == 6);
  });
}

TEST_CASE(
    "the grace: one that listens has it, one that does not is cancelled at once, one that does not end after it") {
  in_actor([] {
    diary d;
    std::atomic<weir::internal::time_point> tidy_done{};  // whose turn is before stubborn's
    weir::supervisor sup;
    sup.add({.name = "deaf",
             .run =
                 [&] {
                   try {
                     weir::this_actor::sleep({});
                   } catch (const weir::cancelled&) {
                     d.note("deaf cut");
                     throw;
                   }
                 },
             .grace = 1h});
    sup.add({.name = "stubborn",
             .run =
                 [&](weir::supervised& self) {
                   weir::select(weir::on_stop(self, [] {}));
                   EXPECT(self.stop_requested());
                   try {
                     weir::this_actor::sleep({});
                   } catch (const weir::cancelled&) {
                     EXPECT(weir::internal::now() - tidy_done.load() >= 50ms);
                     d.note("stubborn cut");
                     throw;
                   }
                 },
             .grace = 50ms});
    sup.add({.name = "tidy",
             .run =
                 [&](weir::supervised& self) {
                   self.ready();
                   weir::select(weir::on_stop(self, [] {}));
                   weir::this_actor::sleep(2ms);
                   d.note("tidy done");
                   tidy_done = weir::internal::now();
                 },
             .grace = 1h,
             .awaits_ready = true});
    auto runner = weir::spawn("sup", [&] { sup.run(); });
    eventually([] { return testing::waits("tidy", "select") && testing::waits("stubborn", "select"); });
    sup.shutdown();
    runner.join();
    CHECK(d.text() == "tidy done stubborn cut deaf cut");
  });
}

TEST_CASE("children are added and removed while it runs") {
  in_actor([] {
    diary d;
    weir::supervisor sup({.stays = true});
    sup.add({.name = "unwanted", .run = resident(d, "unwanted")});
    CHECK(sup.remove("unwanted"));
    auto runner = weir::spawn("sup", [&] { sup.run(); });
    eventually([] { return testing::waits("sup", "select"); });
    CHECK(sup.add({.name = "a", .run = resident(d, "a"), .awaits_ready = true}));
    CHECK(d.text() == "+a");
    CHECK(sup.add({.name = "b", .run = resident(d, "b"), .awaits_ready = true}));
    CHECK(sup.remove("a"));
    CHECK(d.text() == "+a +b -a");
    CHECK_FALSE(sup.remove("a"));
    CHECK_FALSE(sup.kill("a"));
    CHECK_THROWS_AS(sup.add({.name = "b", .run = [] {}}), weir::misuse);
    CHECK(sup.add({.name = "a", .run = resident(d, "a"), .awaits_ready = true}));
    sup.shutdown();
    runner.join();
    CHECK(d.text() == "+a +b -a +a -a -b");
    CHECK_FALSE(sup.add({.name = "c", .run = [] {}}));
    CHECK_FALSE(sup.remove("b"));
    CHECK_FALSE(sup.kill("b"));
  });
}

TEST_CASE("run returns when no child is left") {
  in_actor([] {
    std::atomic<int> lives{0};
    weir::supervisor sup;
    for (const char* name : {"a", "b"}) sup.add({.name = name, .run = [&] { ++lives; }, .kind = child_kind::transient});
    sup.run();
    CHECK(lives == 2);
    CHECK_THROWS_AS(sup.run(), weir::misuse);
  });
}

TEST_CASE("a child that ends before it is ready is started again before the next one is") {
  const auto strategy = GENERATE(restart_strategy::one_for_one, restart_strategy::one_for_all);
  in_actor([strategy] {
    diary d;
    std::atomic<int> tries{0};
    weir::supervisor sup({.strategy = strategy, .restarts = 2});
    sup.add({.name = "a", .run = resident(d, "a"), .awaits_ready = true});
    sup.add({.name = "b",
             .run =
                 [&](weir::supervised& self) {
                   d.note("?b");
                   if (++tries < 3) throw std::runtime_error("not yet");
                   self.ready();
                   weir::select(weir::on_stop(self, [] {}));
                 },
             .awaits_ready = true});
    sup.add({.name = "c", .run = resident(d, "c"), .awaits_ready = true});
    auto runner = weir::spawn("sup", [&] { sup.run(); });
    until(d, strategy == restart_strategy::one_for_one ? "+a ?b ?b ?b +c" : "+a ?b -a +a ?b -a +a ?b +c");
    sup.shutdown();
    runner.join();
  });
}

TEST_CASE("a cancel of the supervisor shuts its children down in reverse, whatever it is doing") {
  const std::string moment = GENERATE("running", "starting", "restarting", "shutting down");
  in_actor([moment] {
    diary d;
    weir::supervisor sup({.strategy = restart_strategy::one_for_all});
    sup.add({.name = "a", .run = resident(d, "a"), .awaits_ready = true});
    auto gate = std::make_shared<std::atomic<bool>>(moment != "starting");
    auto released = std::make_shared<std::atomic<bool>>(moment != "shutting down");
    sup.add({.name = "b",
             .run =
                 [&d, gate, released](weir::supervised& self) {
                   d.note("?b");
                   if (*gate) self.ready();
                   weir::select(weir::on_stop(self, [] {}));
                   d.note("-b");
                   weir::shielded([&] { eventually([&] { return released->load(); }); });
                   if (!*gate) weir::this_actor::sleep({});  // until it is cancelled
                 },
             .grace = 1ms,
             .awaits_ready = true});
    auto runner = weir::spawn("sup", [&] { sup.run(); });
    std::string expected;
    if (moment == "starting") {
      until(d, expected = "+a ?b");
    } else {
      until(d, expected = "+a ?b");
      eventually([] { return testing::row(testing::dump(), "sup").find("shutdown of") != std::string::npos; });
      if (moment == "restarting") {
        *gate = false;
        sup.kill("b");
        until(d, expected = "+a ?b -a +a ?b");
      }
      if (moment == "shutting down") {
        *gate = false;
        sup.shutdown();
        until(d, expected = "+a ?b -b");
      }
    }
    runner.cancel();
    *released = true;
    CHECK_THROWS_AS(runner.join(), weir::actor_cancelled);
    CHECK(d.text() == expected + (moment == "shutting down" ? " -a" : " -b -a"));
  });
}

TEST_CASE("a cancel of the scope around it ends the children, and a runtime that ends does too") {
  weir::runtime r({.workers = 2});
  auto alive = std::make_shared<int>(0);
  r.run([alive] {
    weir::spawn("sup", [alive] {
      weir::supervisor sup;
      for (const char* name : {"a", "b"}) sup.add({.name = name, .run = [alive] { weir::this_actor::sleep({}); }});
      sup.run();
    }).detach();
    eventually([&] { return testing::waits("b", "sleep"); });
    weir::with_scope([alive](weir::scope& s) {
      s.spawn("sup", [alive] {
        weir::supervisor sup;
        for (const char* name : {"c", "d"}) sup.add({.name = name, .run = [alive] { weir::this_actor::sleep({}); }});
        sup.run();
      });
      eventually([&] { return testing::waits("d", "sleep"); });
      s.cancel();
    });
    EXPECT(testing::row(testing::dump(), "c").starts_with("no row"));
    EXPECT(testing::row(testing::dump(), "d").starts_with("no row"));
  });
  testing::check_expectations();
}

TEST_CASE("events tell what happened, in order, and those that found no room are counted") {
  in_actor([] {
    auto [events, log] = weir::channel<weir::supervisor_event>(2);
    weir::supervisor sup({.restarts = 1, .events = std::move(events)});
    auto tries = std::make_shared<std::atomic<int>>(0);
    sup.add({.name = "a",
             .run =
                 [tries] {
                   if (++*tries == 1) throw std::runtime_error("once");
                 },
             .kind = child_kind::transient});
    sup.run();
    using what = weir::supervisor_event::what;
    std::vector<what> seen;
    for (const weir::supervisor_event& e : log) {
      seen.push_back(e.kind);
      CHECK(e.child.name == "a");
    }
    CHECK(seen == std::vector<what>{what::started, what::exited});
    CHECK(sup.events_lost() == 2);  // restarted, exited
  });
}

TEST_CASE("the dump shows the children by name and what the supervisor waits for") {
  in_actor([] {
    diary d;
    weir::supervisor sup({.name = "storage"});
    sup.add({.name = "disk", .run = resident(d, "disk")});
    auto runner = weir::spawn("sup", [&] { sup.run(); });
    eventually([] { return testing::waits("sup", "select") && testing::waits("disk", "select"); });
    const std::string row = testing::row(testing::dump(), "sup");
    CHECK(row.find("exit of 1 watched actors") != std::string::npos);
    CHECK(row.find("shutdown of storage") != std::string::npos);
    CHECK(testing::row(testing::dump(), "disk").find("select stop") != std::string::npos);
    sup.shutdown();
    runner.join();
  });
}

TEST_CASE("a child with a mailbox takes messages until it is asked to stop") {
  in_actor([] {
    auto [tell, told] = weir::channel<weir::address<int>>(1);
    std::atomic<int> sum{0};
    weir::supervisor sup;
    sup.add({.name = "adder", .run = [&, tell = tell](weir::supervised& self) {
               weir::mailbox<int> box;
               tell.send(box.address());
               while (weir::select(weir::on_message(box, [&](int n) { sum += n; }),
                                   weir::on_stop(self, [] { return false; }))) {
               }
             }});
    auto runner = weir::spawn("sup", [&] { sup.run(); });
    const weir::address<int> to = *told.recv();
    to.send(2);
    to.send(3);
    eventually([&] { return sum == 5; });
    sup.shutdown();
    runner.join();
    CHECK(to.send(1) == weir::send_status::closed);
  });
}

TEST_CASE("misuse of a supervisor says what to do") {
  CHECK_THROWS_AS(weir::supervisor({.restarts = -1}), weir::misuse);
  CHECK_THROWS_AS(weir::supervisor({.within = 0s}), weir::misuse);
  weir::supervisor sup;
  CHECK_THROWS_AS(sup.add({.name = "a", .run = {}}), weir::misuse);
  CHECK_THROWS_AS(sup.add({.name = "", .run = [] {}}), weir::misuse);
  CHECK(sup.add({.name = "a", .run = [] {}}));
  CHECK_THROWS_AS(sup.add({.name = "a", .run = [] {}}), weir::misuse);
  CHECK_THROWS_AS(sup.run(), weir::misuse);  // on a plain thread
}
