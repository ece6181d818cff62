// The run ring and the handshake of workers that fall asleep, under all interleavings within a bound.
#include <array>
#include <catch2/catch.hpp>
#include <memory>

#include "tests/explorer/assertions.h"
#include "tests/explorer/simulated.h"
#include "weir/runtime/internal/idle_workers.h"
#include "weir/runtime/internal/run_ring.h"

using explorer::check;
using simulated::must_fail;
using simulated::must_hold;
using weir::internal::bug;
using weir::internal::idle_seat;
using weir::internal::idle_workers;
using weir::internal::run_ring;

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
