// The run ring and the handshake of workers that fall asleep, under all interleavings within a bound.
#include <array>
#include <catch2/catch.hpp>
#include <memory>

#include "tests/explorer/assertions.h"
#include "tests/explorer/simulated.h"
#include "weir/runtime/internal/actor_life.h"
#include "weir/runtime/internal/idle_workers.h"
#include "weir/runtime/internal/run_ring.h"
#include "weir/runtime/internal/spawn_deque.h"

using explorer::check;
using simulated::must_fail;
using simulated::must_hold;
using weir::internal::actor_life;
using weir::internal::bug;
using weir::internal::idle_seat;
using weir::internal::idle_workers;
using weir::internal::run_ring;
using weir::internal::spawn_deque;

namespace {

struct item {
  explorer::plain<int> taken{0, "an item"};
  void take() { taken.set(taken.get() + 1); }
};

// The owner pushes six items through its ring of four and pops what is left; two thieves take halves into rings of
// their own.
void owner_and_two_thieves(explorer::run& run) {
  struct state {
    std::array<run_ring<item>, 3> rings;
    std::array<item, 6> items;
    void drain(int ring) {
      while (item* i = rings[static_cast<std::size_t>(ring)].pop()) i->take();
    }
  };
  auto s = std::make_shared<state>();
  run.thread("owner", [s] {
    for (item& i : s->items)
      if (!s->rings[0].push(i)) i.take();  // the owner's overflow
    s->drain(0);
  });
  for (int thief : {1, 2})
    run.thread("thief " + std::to_string(thief), [s, thief] {
      if (item* i = s->rings[0].steal_into(s->rings[static_cast<std::size_t>(thief)])) i->take();
      s->drain(thief);
    });
  run.after([s] {
    for (item& i : s->items) check(i.taken.get() == 1, "an item was lost or taken twice");
  });
}

// The owner pushes and takes the newest, around the edge of its deque of four; two thieves take the oldest.
void newest_against_oldest(explorer::run& run) {
  struct state {
    spawn_deque<item> deque;
    std::array<item, 6> items;
    bool take_newest() {
      item* const i = deque.pop_newest();
      if (i != nullptr) i->take();
      return i != nullptr;
    }
  };
  auto s = std::make_shared<state>();
  run.thread("owner", [s] {
    for (std::size_t i = 0; i < 2; ++i) check(s->deque.push(s->items[i]), "no room for two");
    s->take_newest();
    for (std::size_t i = 2; i < s->items.size(); ++i)
      if (!s->deque.push(s->items[i])) s->items[i].take();  // the owner's overflow
    while (s->take_newest()) {
    }
  });
  for (int thief : {1, 2})
    run.thread("thief " + std::to_string(thief), [s] {
      for (int turn = 0; turn < 2; ++turn)
        if (item* i = s->deque.steal_oldest()) i->take();
    });
  run.after([s] {
    for (item& i : s->items) check(i.taken.get() == 1, "an item was lost or taken twice");
  });
}

// An actor ends while a handle of it is copied, and both copies go, one of them in another thread: what becomes of the
// result and of the block.
void end_against_handles(explorer::run& run) {
  struct state {
    actor_life life;
    explorer::plain<int> results{1, "the result"}, blocks{1, "the block"};
    void free() { blocks.set(blocks.get() - 1); }
    void release() {
      if (!life.release()) return;
      results.set(results.get() - 1);
      if (life.result_is_gone()) free();
    }
  };
  auto s = std::make_shared<state>();
  s->life.retain();  // a second handle
  run.thread("actor", [s] {
    if (s->life.alone()) {
      s->results.set(s->results.get() - 1);
      s->life.end_alone();
    } else {
      s->release();
    }
    explorer::at("off its stack");
    if (s->life.unwatched()) check(s->results.get() == 0, "a result without users is still there");
    if (s->life.left_stack()) s->free();
  });
  for (int handle : {1, 2}) run.thread("handle " + std::to_string(handle), [s] { s->release(); });
  run.after([s] {
    check(s->results.get() == 0, "the result was not destroyed once");
    check(s->blocks.get() == 0, "the block was not freed once");
  });
}

// One waker publishes twice; a worker works, searches and sleeps. `forget`: the look that is left out.
enum class forget { nothing, look_before_sleep };

struct idle_world {
  idle_workers idle;
  struct seat : idle_seat {
    explorer::atomic<bool> rung{false};
  };
  std::array<seat, 2> seats;
  explorer::atomic<int> work{0};
  explorer::atomic<int> done{0};

  void call() {
    if (idle_seat* s = idle.call_one()) static_cast<seat*>(s)->rung.store(true);
  }
  void publish() {
    work.fetch_add(1);
    call();
  }
  bool take() {
    int n = work.load();
    while (n > 0)
      if (work.compare_exchange_strong(n, n - 1)) return true;
    return false;
  }
  // Until `total` is done by all workers together.
  void worker(int which, int total, forget f) {
    seat& s = seats[static_cast<std::size_t>(which)];
    while (done.load() < total) {
      if (take()) {
        if (s.searching) {
          idle.end_search(s);
          if (work.load() > 0) call();
        }
        if (done.fetch_add(1) + 1 == total)
          for (seat& other : seats) other.rung.store(true);  // the end of the test, not of the protocol
        continue;
      }
      idle.begin_search(s, 1);
      if (work.load() > 0) continue;
      idle.begin_sleep(s);
      if (f == forget::look_before_sleep || work.load() == 0) {
        explorer::at("asleep");
        explorer::block_until([&] { return s.rung.load() || done.load() == total; });
        s.rung.store(false);
      }
      idle.end_sleep(s);
    }
  }
};

void sleepers_and_a_waker(explorer::run& run, int workers, forget f) {
  auto w = std::make_shared<idle_world>();
  for (int i = 0; i < workers; ++i) run.thread("worker " + std::to_string(i), [w, i, f] { w->worker(i, 2, f); });
  run.thread("waker", [w] {
    w->publish();
    w->publish();
  });
}

}  // namespace

TEST_CASE("the ring with an owner and two thieves loses and doubles nothing") { must_hold(3, owner_and_two_thieves); }

TEST_CASE("the deque with an owner and two thieves loses and doubles nothing") { must_hold(3, newest_against_oldest); }

TEST_CASE("planted: an owner that takes the last one of its deque without a claim") {
  const simulated::planted p(bug::deque_last_unclaimed);
  must_fail("", 3, newest_against_oldest);
}

TEST_CASE("planted: an owner that looks at the oldest before its own step is seen") {
  const simulated::planted p(bug::deque_early_look);
  must_fail("", 3, newest_against_oldest);
}

TEST_CASE("an actor's result and its block go once each, whoever is the last") { must_hold(4, end_against_handles); }

TEST_CASE("planted: a tail raised before its slot is written") {
  const simulated::planted p(bug::ring_early_tail);
  must_fail("", 3, owner_and_two_thieves);
}

TEST_CASE("planted: a thief that reads after it has claimed") {
  const simulated::planted p(bug::ring_late_read);
  must_fail("", 3, owner_and_two_thieves);
}

TEST_CASE("work published while workers search and fall asleep is always seen") {
  must_hold(4, [](explorer::run& r) { sleepers_and_a_waker(r, 1, forget::nothing); });
  must_hold(2, [](explorer::run& r) { sleepers_and_a_waker(r, 2, forget::nothing); });
}

TEST_CASE("planted: without the look between the announcement and the sleep a wake is lost") {
  must_fail("deadlock", 3, [](explorer::run& run) { sleepers_and_a_waker(run, 1, forget::look_before_sleep); });
}
