// The readiness of a descriptor under all interleavings within a bound: the ticket, the wait, close, and the end of its
// memory. The kernel is a counter of bytes, and a thread that says so after each.
#include "weir/runtime/internal/readiness.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "tests/explorer/assertions.h"
#include "tests/explorer/simulated.h"

using namespace std::chrono_literals;
using explorer::check;
using simulated::actor;
using simulated::as;
using simulated::must_fail;
using simulated::must_hold;
using weir::internal::bug;
using weir::internal::can_read;
using weir::internal::can_write;
using weir::internal::direction;
using weir::internal::plain_wait;
using weir::internal::readiness;
using weir::internal::wait_result;

namespace {

struct descriptor {
  actor reader, writer;
  readiness state;
  explorer::atomic<int> bytes{0};              // in the kernel
  explorer::plain<bool> open{true, "the fd"};  // read by operations, written by who closes for good
  explorer::atomic<int> freed{0};

  descriptor() { state.open(true); }

  void put() {
    bytes.fetch_add(1);
    state.fire(0, can_read);
  }
  void end_with(bool last) {
    if (!last) return;
    check(open.get(), "closed twice");
    open.set(false);
    if (state.closed_for_good()) freed.fetch_add(1);
  }
  void close() {
    if (state.close()) end_with(state.end());
  }
  void drop_handle() {
    close();
    if (state.drop_handle()) freed.fetch_add(1);
  }

  // A read as descriptor.h shows it: of what is there, but at most 2. 0: not `ready`.
  int read(wait_result& how, weir::deadline limit = {}) {
    how = wait_result::closed;
    if (state.begin(direction::read, false) != readiness::begun::yes) return 0;
    int got = 0;
    for (;;) {
      const readiness::ticket t = state.look(direction::read);
      if (t.ready()) {
        check(open.get(), "a call on a closed fd");
        got = bytes.exchange(0);
        if (got == 0) state.clear(direction::read, t);
        if (got == 1) state.clear_unless_for_good(direction::read, t);
        how = wait_result::ready;
        if (got != 0) break;
      }
      how = state.await(direction::read, plain_wait("read"), limit);
      if (how != wait_result::ready) break;
    }
    end_with(state.end(direction::read, false));
    return got;
  }
};

// Two bytes, each with its event; what was read short is not asked for again before there is one.
void arrivals(explorer::run& run) {
  auto s = std::make_shared<descriptor>();
  run.thread("reader", as(s->reader, [s] {
               wait_result how;
               for (int got = 0; got < 2;) got += s->read(how);
             }));
  run.thread("kernel", [s] {
    s->put();
    s->put();
  });
}

// One byte against a timeout, a close or a cancel: it is read, or still there.
void endings(explorer::run& run, wait_result by) {
  auto s = std::make_shared<descriptor>();
  auto got = std::make_shared<explorer::atomic<int>>(0);
  run.thread("reader", as(s->reader, [s, got, by] {
               wait_result how;
               got->store(s->read(how, by == wait_result::timeout ? weir::deadline(1h) : weir::deadline()));
               check((got->load() == 1) == (how == wait_result::ready), "a byte without readiness");
               check(how == wait_result::ready || how == by, "ended by something else");
             }));
  run.thread("kernel", [s] { s->put(); });
  if (by == wait_result::timeout) run.thread("timer", [s] { s->reader.timer_fires(); });
  if (by == wait_result::closed) run.thread("closer", [s] { s->close(); });
  if (by == wait_result::cancelled) run.thread("canceller", [s] { s->reader.interrupt(); });
  run.after([s, got, by] {
    check(got->load() + s->bytes.load() == 1, "a byte was lost or doubled");
    check(s->open.get() == (by != wait_result::closed), "open or closed, the wrong one");
  });
}

// A reader and a writer, each perhaps parked, against the end of the handle, and another close.
void closing(explorer::run& run) {
  auto s = std::make_shared<descriptor>();
  run.thread("reader", as(s->reader, [s] {
               wait_result how;
               s->read(how);
               check(how == wait_result::closed, "not closed");
             }));
  run.thread("writer", as(s->writer, [s] {
               if (s->state.begin(direction::write, false) != readiness::begun::yes) return;
               check(s->open.get(), "a call on a closed fd");
               s->state.clear(direction::write, s->state.look(direction::write));
               const wait_result how = s->state.await(direction::write, plain_wait("write"), {});
               check(how == wait_result::closed, "not closed");
               s->end_with(s->state.end(direction::write, false));
             }));
  run.thread("owner", [s] { s->drop_handle(); });
  run.thread("other", [s] { s->state.close() ? s->end_with(s->state.end()) : void(); });
  run.after([s] {
    check(!s->open.get(), "left open");
    check(s->freed.load() == 1, "freed by nobody or twice");
  });
}

// The memory is another descriptor's by the time an event comes for the first one.
void late_event(explorer::run& run) {
  auto s = std::make_shared<descriptor>();
  run.thread("owner", as(s->reader, [s] {
               s->close();
               check(s->state.drop_handle(), "somebody else knows it");
               s->state.retire();
               s->state.open(false);
               check(s->state.begin(direction::read, false) == readiness::begun::yes, "not open");
               const wait_result how = s->state.await(direction::read, plain_wait("read"), 1h);
               check(how == wait_result::timeout, "woken by an event of another descriptor");
             }));
  run.thread("kernel", [s] { s->state.fire(0, can_read | can_write); });
  run.thread("timer", [s] { s->reader.timer_fires(); });
}

}  // namespace

TEST_CASE("what comes after a call that found nothing, or little, is never missed") { must_hold(3, arrivals); }

TEST_CASE("readiness against timeout, close and cancel: one of them ends the wait, and no byte is lost") {
  for (const wait_result by : {wait_result::timeout, wait_result::closed, wait_result::cancelled})
    must_hold(3, [by](explorer::run& r) { endings(r, by); });
}

TEST_CASE("close wakes both sides, the last one out closes once, and the memory is free once") {
  must_hold(2, closing);
}

TEST_CASE("an event of an earlier descriptor wakes nobody") { must_hold(3, late_event); }

TEST_CASE("planted: readiness that is taken away whatever came since loses a byte") {
  const simulated::planted p(bug::readiness_without_ticket);
  must_fail("deadlock", 2, arrivals);
}

TEST_CASE("planted: a late event wakes another descriptor's reader") {
  const simulated::planted p(bug::late_event_taken);
  must_fail("woken by an event of another descriptor", 2, late_event);
}

TEST_CASE("planted: who comes to wait just before the close is said is left behind") {
  const simulated::planted p(bug::close_marked_late);
  must_fail("not closed", 2, closing);
}
