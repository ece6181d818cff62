// oneshot, broadcast and watch under all interleavings within a bound: a value is delivered or kept, to each receiver
// once, and nobody is left waiting.
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>

#include "tests/explorer/assertions.h"
#include "tests/explorer/simulated.h"
#include "weir/channels/broadcast.h"
#include "weir/channels/oneshot.h"
#include "weir/channels/select.h"
#include "weir/channels/watch.h"
#include "weir/runtime/sync/internal/holder.h"

// Names of holders, for reports that no test here provokes.
namespace weir::internal {
std::string describe_holder(const parker&) { return "an actor"; }
std::string describe_place(const char* what, site) { return what; }
}  // namespace weir::internal

using namespace std::chrono_literals;
using explorer::check;
using simulated::actor;
using simulated::as;
using simulated::must_hold;
using simulated::token;
using weir::send_status;

namespace {

// A value whose copies and moves must be ordered.
class word {
 public:
  explicit word(int v) : value_(v, "the word") {}
  word(const word& other) : value_(other.get(), "the word") {}
  word(word&& other) noexcept : value_(other.value_.take(), "the word") { other.value_.set(0); }
  ~word() {}
  int get() const { return value_.get(); }

 private:
  explorer::plain<int> value_;
};

void oneshot_against_timeout(explorer::run& run) {
  struct state {
    actor sender, receiver;
    weir::oneshot_ends<token> c = weir::oneshot<token>();
    token value{7};
    bool sent = false;
    int got = 0;
  };
  auto s = std::make_shared<state>();
  run.thread("receiver", as(s->receiver, [s] {
               auto r = s->c.rx.recv(1h);
               check((r.status() == weir::recv_status::ok) == static_cast<bool>(r), "a value came with a timeout");
               if (r) s->got = r->get();
               s->c.rx.close();
               if (auto late = s->c.rx.try_recv()) s->got += late->get();
             }));
  run.thread("sender", as(s->sender, [s] { s->sent = std::move(s->c.tx).send(std::move(s->value)); }));
  run.thread("timer", [s] { s->receiver.timer_fires(); });
  run.after([s] {
    check(s->sent == (s->got == 7), "sent and not received, or received and not sent");
    check(s->sent == (s->value.get() == 0), "the value was lost or doubled");
  });
}

void select_over_two_oneshots(explorer::run& run, unsigned seed) {
  struct state {
    actor chooser, first, second;
    weir::oneshot_ends<token> a = weir::oneshot<token>(), b = weir::oneshot<token>();
    int taken = 0, left = 0;
  };
  auto s = std::make_shared<state>();
  simulated::seed_shuffle(seed);
  run.thread("chooser", as(s->chooser, [s] {
               const auto value = [](std::optional<token> v) { return v ? v->get() : 0; };
               s->taken = weir::select(weir::on_recv(s->a.rx, value), weir::on_recv(s->b.rx, value));
               s->left = value(s->a.rx.recv()) + value(s->b.rx.recv());
             }));
  run.thread("first", as(s->first, [s] { std::move(s->a.tx).send(token(1)); }));
  run.thread("second", as(s->second, [s] { std::move(s->b.tx).send(token(2)); }));
  run.after([s] { check(s->taken > 0 && s->taken + s->left == 3, "a value was lost or doubled"); });
}

// Capacity 1: what a receiver got and what it missed add up. The other one may time out in between.
void broadcast_with_lag(explorer::run& run) {
  struct state {
    actor sender, quick, timed;
    weir::broadcast_ends<word> c = weir::broadcast<word>(1);
    weir::broadcast_receiver<word> other = c.tx.subscribe();
    int reached = 0, total[2] = {0, 0};
    void drain(const weir::broadcast_receiver<word>& rx, int& count, weir::deadline limit) {
      for (;;) {
        auto r = rx.recv(limit);
        if (r.status() == weir::broadcast_status::closed) return;
        if (r.status() == weir::broadcast_status::timeout) limit = {};
        check((r.status() == weir::broadcast_status::ok) == static_cast<bool>(r), "a value came with a timeout");
        count += static_cast<int>(r.missed()) + (r && r->get() > 0);
      }
    }
  };
  auto s = std::make_shared<state>();
  run.thread("sender", as(s->sender, [s] {
               for (int i = 1; i <= 2; ++i) s->reached += static_cast<int>(s->c.tx.send(word(i)));
               s->c.tx.reset();
             }));
  run.thread("quick", as(s->quick, [s] { s->drain(s->c.rx, s->total[0], {}); }));
  run.thread("timed", as(s->timed, [s] { s->drain(s->other, s->total[1], 1h); }));
  run.thread("timer", [s] { s->timed.timer_fires(); });
  run.after([s] {
    check(s->reached == 4, "a send did not reach both");
    check(s->total[0] == 2 && s->total[1] == 2, "what was received and what was missed do not add up");
  });
}

// A sender that waits for room, while its deadline may fire and the slow receiver may come or go.
void blocking_broadcast_against_timeout(explorer::run& run, bool slow_one_leaves) {
  struct state {
    actor sender, receiver;
    weir::broadcast_ends<word> c = weir::broadcast<word>(1, {.block = true});
    word value{7};
    send_status sent = send_status::closed;
    int got = 0;
  };
  auto s = std::make_shared<state>();
  s->c.tx.try_send(word(1));
  run.thread("sender", as(s->sender, [s] {
               s->sent = s->c.tx.send(std::move(s->value), 1h);
               s->c.tx.reset();
             }));
  run.thread("receiver", as(s->receiver, [s, slow_one_leaves] {
               if (slow_one_leaves) return s->c.rx.reset();
               while (auto r = s->c.rx.recv()) s->got += r->get();
             }));
  run.thread("timer", [s] { s->sender.timer_fires(); });
  run.after([s, slow_one_leaves] {
    check((s->sent == send_status::ok) == (s->value.get() == 0), "sent and kept, or neither");
    check(slow_one_leaves || s->got == (s->sent == send_status::ok ? 8 : 1), "the value was lost or doubled");
  });
}

// Two that share a handle, and one with its own: values come to each handle once.
void shared_handle(explorer::run& run) {
  struct state {
    actor sender, one, two, alone;
    weir::broadcast_ends<word> c = weir::broadcast<word>(4);
    weir::broadcast_receiver<word> other = c.tx.subscribe();
    int got[3] = {0, 0, 0};
  };
  auto s = std::make_shared<state>();
  const auto sum = [s](const weir::broadcast_receiver<word>& rx, int& total) {
    while (auto r = rx.recv()) total += r->get();
  };
  run.thread("one", as(s->one, [s, sum] { sum(s->c.rx, s->got[0]); }));
  run.thread("two", as(s->two, [s, sum] { sum(s->c.rx, s->got[1]); }));
  run.thread("alone", as(s->alone, [s, sum] { sum(s->other, s->got[2]); }));
  run.thread("sender", as(s->sender, [s] {
               s->c.tx.send(word(1));
               s->c.tx.reset();
             }));
  run.after([s] { check(s->got[0] + s->got[1] == 1 && s->got[2] == 1, "a value was lost or doubled"); });
}

void select_over_two_broadcasts(explorer::run& run, unsigned seed) {
  struct state {
    actor chooser, first, second;
    weir::broadcast_ends<word> a = weir::broadcast<word>(1), b = weir::broadcast<word>(1);
    int got = 0;
  };
  auto s = std::make_shared<state>();
  simulated::seed_shuffle(seed);
  run.thread("chooser", as(s->chooser, [s] {
               const auto add = [s](weir::broadcast_result<word> r) { s->got += r ? r->get() : 0; };
               for (int i = 0; i < 2; ++i) weir::select(weir::on_recv(s->a.rx, add), weir::on_recv(s->b.rx, add));
             }));
  run.thread("first", as(s->first, [s] { s->a.tx.send(word(1)); }));
  run.thread("second", as(s->second, [s] { s->b.tx.send(word(2)); }));
  run.after([s] { check(s->got == 3, "a value was lost or doubled"); });
}

// Each watcher comes to the last value and then to the end; one may time out in between.
void watch_to_the_end(explorer::run& run) {
  struct state {
    actor setter, steady, timed;
    weir::watch_ends<word> c = weir::watch(word(0));
    weir::watch_receiver<word> other = c.rx;
    int last[2] = {0, 0};
    void follow(const weir::watch_receiver<word>& rx, int& last_seen, weir::deadline limit) {
      for (;;) {
        auto r = rx.changed(limit);
        if (r.status() == weir::recv_status::closed) return;
        limit = {};
        if (!r) continue;
        check((*r)->get() > last_seen, "a watcher went back");
        last_seen = (*r)->get();
      }
    }
  };
  auto s = std::make_shared<state>();
  run.thread("steady", as(s->steady, [s] { s->follow(s->c.rx, s->last[0], {}); }));
  run.thread("timed", as(s->timed, [s] { s->follow(s->other, s->last[1], 1h); }));
  run.thread("setter", as(s->setter, [s] {
               s->c.tx.set(word(1));
               s->c.tx.reset();
             }));
  run.thread("timer", [s] { s->timed.timer_fires(); });
  run.after([s] { check(s->last[0] == 1 && s->last[1] == 1, "a watcher has not seen the last value"); });
}

void select_over_two_watches(explorer::run& run, unsigned seed) {
  struct state {
    actor chooser, first, second;
    weir::watch_ends<word> a = weir::watch(word(0)), b = weir::watch(word(0));
    int got = 0;
  };
  auto s = std::make_shared<state>();
  simulated::seed_shuffle(seed);
  run.thread("chooser", as(s->chooser, [s] {
               const auto add = [s](const weir::watch_value<word>& v) { s->got += v->get(); };
               for (int i = 0; i < 2; ++i) weir::select(weir::on_change(s->a.rx, add), weir::on_change(s->b.rx, add));
             }));
  run.thread("first", as(s->first, [s] { s->a.tx.set(word(1)); }));
  run.thread("second", as(s->second, [s] { s->b.tx.set(word(2)); }));
  run.after([s] { check(s->got == 3, "a change was passed over, or seen twice"); });
}

}  // namespace

TEST_CASE("a oneshot against a timeout: the value is delivered or kept") { must_hold(3, oneshot_against_timeout); }

TEST_CASE("a select over two oneshots takes one value and leaves the other") {
  for (unsigned seed : {1U, 2U}) must_hold(2, [&](explorer::run& r) { select_over_two_oneshots(r, seed); });
}

TEST_CASE("what a broadcast's receiver got and what it missed add up") { must_hold(2, broadcast_with_lag); }

TEST_CASE("a blocking broadcast against a timeout: the value is delivered or kept") {
  must_hold(3, [](explorer::run& r) { blocking_broadcast_against_timeout(r, false); });
  must_hold(3, [](explorer::run& r) { blocking_broadcast_against_timeout(r, true); });
}

TEST_CASE("those who share a broadcast's handle get each value once, and nobody is forgotten") {
  must_hold(1, shared_handle);  // four threads: a bound of 2 has millions
}

TEST_CASE("a select over two broadcasts loses nothing") {
  for (unsigned seed : {1U, 2U}) must_hold(2, [&](explorer::run& r) { select_over_two_broadcasts(r, seed); });
}

TEST_CASE("watchers come to the last value and then to the end") { must_hold(2, watch_to_the_end); }

TEST_CASE("a select over two watches passes over no change") {
  for (unsigned seed : {1U, 2U}) must_hold(2, [&](explorer::run& r) { select_over_two_watches(r, seed); });
}
