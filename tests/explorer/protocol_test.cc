// The wait word, channels and select under all interleavings within a bound. Each planted bug must be found,
// or the explorer would see nothing.
#include <catch2/catch.hpp>
#include <memory>

#include "tests/explorer/assertions.h"
#include "tests/explorer/simulated.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/internal/biased_lock.h"
#include "weir/runtime/internal/sanitizer.h"

using namespace std::chrono_literals;
using explorer::check;
using simulated::actor;
using simulated::as;
using simulated::explore;
using simulated::must_fail;
using simulated::must_hold;
using simulated::token;
using weir::recv_status;
using weir::send_status;
using weir::internal::bug;

namespace {

// A parked actor, a peer, a timer and a canceller: exactly one of the three ends the wait.
void claim_once(explorer::run& run) {
  struct state {
    actor waiter;
    explorer::atomic<int> winners{0};
    weir::internal::wait_word::epoch_type epoch = 0;
    explorer::atomic<bool> open{false};
    weir::internal::wake_cause cause{};
  };
  auto s = std::make_shared<state>();
  using namespace weir::internal;
  run.thread("waiter", as(s->waiter, [s] {
               const auto opened = s->waiter.begin_wait(interruptible::yes);
               if (opened.cancelled) {
                 s->cause = wake_cause::cancel;
                 s->winners.fetch_add(1);
                 s->open.store(true);
                 return;
               }
               s->epoch = opened.epoch;
               s->open.store(true);
               s->cause = s->waiter.park(plain_wait("test"));
             }));
  for (const wake_cause cause : {wake_cause::peer, wake_cause::timeout})
    run.thread(cause == wake_cause::peer ? "peer" : "timer", [s, cause] {
      explorer::block_until([s] { return s->open.load(); });
      if (s->epoch == 0) return;  // it never opened
      if (s->waiter.word().try_claim(s->epoch, cause) != claim_result::won) return;
      s->winners.fetch_add(1);
      s->waiter.wake();
    });
  run.thread("canceller", [s] {
    if (!s->waiter.word().cancel()) return;
    s->winners.fetch_add(1);
    s->waiter.wake();
  });
  run.after([s] { check(s->winners.load() == 1, "a wait was ended more than once, or by nobody"); });
}

// Two workers and a plain thread take a lock that is biased after each operation; what it guards is ordered by it
// alone.
void three_at_a_biased_lock(explorer::run& run) {
  struct state {
    actor one, two;
    weir::internal::biased_lock lock;
    explorer::plain<int> guarded{0, "what the lock guards"};
    state() {
      weir::internal::biased_lock::bias_after(1);
      one.worker_token = 1;
      two.worker_token = 2;
    }
    ~state() { weir::internal::biased_lock::bias_after(0); }
    void add() {
      const weir::internal::biased_lock::guard g(lock);
      guarded.set(guarded.get() + 1);
    }
  };
  auto s = std::make_shared<state>();
  run.thread("one", as(s->one, [s] {
               for (int i = 0; i < 3; ++i) s->add();
             }));
  run.thread("two", as(s->two, [s] {
               for (int i = 0; i < 2; ++i) s->add();
             }));
  run.thread("plain", [s] { s->add(); });
  run.after([s] { check(s->guarded.get() == 6, "an addition was lost"); });
}

// One value by rendezvous to a receiver whose deadline may fire: delivered or kept, never both, never neither.
void timeout_against_hand_over(explorer::run& run) {
  struct state {
    actor sender, receiver;
    weir::channel_ends<token> c = weir::channel<token>(0);
    token value{7};
    send_status sent = send_status::closed;
    int got = 0;
  };
  auto s = std::make_shared<state>();
  run.thread("receiver", as(s->receiver, [s] {
               auto r = s->c.rx.recv(1h);
               if (r) s->got = r->get();
             }));
  run.thread("sender", as(s->sender, [s] { s->sent = s->c.tx.try_send(std::move(s->value)); }));
  run.thread("timer", [s] { s->receiver.timer_fires(); });
  run.after([s] {
    const bool kept = s->value.get() == 7;
    check((s->sent == send_status::ok) == !kept, "sent and kept, or neither");
    check((s->got == 7) == !kept, "the value was lost or doubled");
  });
}

// Two senders, a receiver until the end of the channel, and a close from outside.
void close_against_hand_over(explorer::run& run, long long capacity) {
  struct state {
    actor first, second, receiver;
    weir::channel_ends<token> c;
    int sent = 0, sent_too = 0, received = 0;
    explicit state(long long n) : c(weir::channel<token>(n)) {}
  };
  auto s = std::make_shared<state>(capacity);
  run.thread("first", as(s->first, [s] { s->sent = s->c.tx.send(token(1)); }));
  run.thread("second", as(s->second, [s] {
               s->sent_too = s->c.tx.send(token(1));
               s->c.tx.close();
             }));
  run.thread("receiver", as(s->receiver, [s] {
               while (auto v = s->c.rx.recv()) s->received += v->get();
             }));
  run.after([s] { check(s->sent + s->sent_too == s->received, "sends that were true and values received differ"); });
}

// A sender that was turned away by a cell still being vacated comes before one that sends later.
void nobody_barges_past_a_waiting_sender(explorer::run& run) {
  struct state {
    actor receiver, early, late;
    weir::channel_ends<token> c = weir::channel<token>(1);
    bool early_waited = false;
    int order[3] = {};
  };
  auto s = std::make_shared<state>();
  s->c.tx.try_send(token(9));
  run.thread("receiver", as(s->receiver, [s] {
               for (int& o : s->order)
                 if (auto v = s->c.rx.recv()) o = v->get();
             }));
  run.thread("early", as(s->early, [s] { s->c.tx.send(token(1)); }));
  run.thread("late", as(s->late, [s] {
               s->early_waited = s->c.tx.waiting() == 1;
               s->c.tx.send(token(2));
             }));
  run.after([s] {
    check(s->order[0] == 9 && s->order[1] + s->order[2] == 3, "a value was lost");
    check(!s->early_waited || s->order[1] == 1, "a later sender came before one that waited");
  });
}

// A sender is cancelled while its hand-over may be under way.
void cancel_against_hand_over(explorer::run& run) {
  struct state {
    actor sender, receiver;
    weir::channel_ends<token> c = weir::channel<token>(0);
    token value{7};
    bool sent = false;
    int got = 0;
  };
  auto s = std::make_shared<state>();
  run.thread("sender", as(s->sender, [s] {
               s->sent = s->c.tx.send(std::move(s->value));
               s->c.tx.close();
             }));
  run.thread("receiver", as(s->receiver, [s] {
               if (auto v = s->c.rx.recv()) s->got = v->get();
             }));
  run.thread("canceller", [s] { s->sender.interrupt(); });
  run.after([s] {
    check(s->sent == (s->got == 7), "a completed send did not arrive, or an incomplete one did");
    check(s->sent == (s->value.get() == 0), "the value was lost or doubled");
    check(s->sent || s->sender.cancel_met, "the send ended for no reason");
  });
}

// At every moment a or b holds a value: `otherwise` must not run.
void linearizable_otherwise(explorer::run& run, unsigned seed) {
  struct state {
    actor chooser, mover;
    weir::channel_ends<int> a = weir::channel<int>(1), b = weir::channel<int>(1);
    int chosen = 0;
  };
  auto s = std::make_shared<state>();
  simulated::seed_shuffle(seed);
  run.thread("mover", as(s->mover, [s] {
               // b is filled before the other thread begins: what happens before the first step is in order of threads.
               s->b.tx.try_send(1);
               s->a.tx.try_send(1);
               (void)s->b.rx.try_recv();
             }));
  run.thread("chooser", as(s->chooser, [s] {
               explorer::block_until([s] { return true; });
               if (s->b.rx.length() + s->a.rx.length() == 0) return;  // not begun yet
               s->chosen =
                   weir::select(weir::on_recv(s->a.rx, [](auto) { return 1; }),
                                weir::on_recv(s->b.rx, [](auto) { return 2; }), weir::otherwise([] { return 3; }));
             }));
  run.after([s] { check(s->chosen != 3, "otherwise ran though a case was ready at every moment"); });
}

// Two selects that can only meet each other.
void select_against_select(explorer::run& run, unsigned seed) {
  struct state {
    actor one, two;
    weir::channel_ends<token> x = weir::channel<token>(0), y = weir::channel<token>(0);
    int sent = 0, received = 0;
    void meet() {
      weir::select(weir::on_send(x.tx, token(1), [this] { ++sent; }),
                   weir::on_recv(y.rx, [this](std::optional<token> v) { received += v->get(); }));
    }
    void meet_too() {
      weir::select(weir::on_recv(x.rx, [this](std::optional<token> v) { received += v->get(); }),
                   weir::on_send(y.tx, token(1), [this] { ++sent; }));
    }
  };
  auto s = std::make_shared<state>();
  simulated::seed_shuffle(seed);
  run.thread("one", as(s->one, [s] { s->meet(); }));
  run.thread("two", as(s->two, [s] { s->meet_too(); }));
  run.after(
      [s] { check(s->sent == 1 && s->received == 1, "the two selects did not complete each other exactly once"); });
}

// Three selects in a circle, each sends to the next and receives from the one before; one rendezvous, then a close sets
// free who is left.
void circle_of_selects(explorer::run& run, unsigned seed) {
  struct state {
    actor who[3];
    weir::channel_ends<int> c[3] = {weir::channel<int>(0), weir::channel<int>(0), weir::channel<int>(0)};
    int sent = 0, received = 0;
    void turn(int i) {
      weir::select(weir::on_send(c[i].tx, 1, [this](bool ok) { sent += ok; }),
                   weir::on_recv(c[(i + 2) % 3].rx, [this](std::optional<int> v) { received += v.has_value(); }));
      for (auto& e : c) e.tx.close();
    }
  };
  auto s = std::make_shared<state>();
  simulated::seed_shuffle(seed);
  for (int i = 0; i < 3; ++i)
    run.thread(std::string(1, static_cast<char>('a' + i)), as(s->who[i], [s, i] { s->turn(i); }));
  run.after(
      [s] { check(s->sent == s->received && s->sent == 1, "one pair must meet, and the third is set free by close"); });
}

}  // namespace

TEST_CASE("a wait is ended exactly once by peer, timer or cancel") { must_hold(4, claim_once); }

TEST_CASE("timeout against hand-over: a value is delivered or kept, never both and never neither") {
  must_hold(4, timeout_against_hand_over);
}

TEST_CASE("a biased lock lets one in at a time, whoever it is biased to") {
  // One preemption less under sanitizers, where a run takes fifteen times as long.
#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
  must_hold(2, three_at_a_biased_lock);
#else
  must_hold(3, three_at_a_biased_lock);
#endif
}

TEST_CASE("planted: a biased lock whose bias is not read again lets two in") {
  const simulated::planted p(bug::bias_not_read_again);
  must_fail("what the lock guards", 3, three_at_a_biased_lock);
}

TEST_CASE("planted: a flag that owners share is lowered by one who was owner before") {
  const simulated::planted p(bug::owners_share_a_flag);
  must_fail("what the lock guards", 3, three_at_a_biased_lock);
}

TEST_CASE("planted: a bias taken away from an owner inside lets two in") {
  const simulated::planted p(bug::owner_not_awaited);
  must_fail("what the lock guards", 3, three_at_a_biased_lock);
}

TEST_CASE("planted: a value that is moved before its claim is won is lost, and the explorer sees it") {
  const simulated::planted p(bug::claim_after_move);
  must_fail("sent and kept, or neither", 3, timeout_against_hand_over);
}

TEST_CASE("planted: an actor published as parked before it was switched out is resumed on a stack in use") {
  const simulated::planted p(bug::parked_before_out);
  must_fail("the actor's stack", 3, timeout_against_hand_over);
}

TEST_CASE("planted: a source that is unlocked before its waiter is parked forgets that waiter") {
  const simulated::planted p(bug::unlocked_before_parked);
  must_fail("deadlock", 3, [](explorer::run& r) { close_against_hand_over(r, 0); });
}

TEST_CASE("close against hand-over: what was sent is received, nobody is left waiting") {
  for (long long capacity : {0, 1}) must_hold(2, [&](explorer::run& r) { close_against_hand_over(r, capacity); });
}

TEST_CASE("a sender that waits comes before one that sends later, though a shell was in its way") {
  must_hold(2, nobody_barges_past_a_waiting_sender);
}

TEST_CASE("cancel against hand-over: the claim decides") { must_hold(4, cancel_against_hand_over); }

TEST_CASE("otherwise is linearizable") {
  for (unsigned seed : {1U, 2U}) must_hold(4, [&](explorer::run& r) { linearizable_otherwise(r, seed); });
}

TEST_CASE("planted: without the second look otherwise runs though a case was always ready") {
  bool seen = false;
  for (unsigned seed : {1U, 2U, 3U, 4U}) {
    const simulated::planted p(bug::skip_second_look);
    const explorer::result r = explore(3, [&](explorer::run& run) { linearizable_otherwise(run, seed); });
    seen |= r.failed && r.message.find("otherwise ran") != std::string::npos;
  }
  CHECK(seen);
}

TEST_CASE("two selects that want each other complete each other exactly once") {
  for (unsigned seed : {1U, 2U, 3U}) must_hold(3, [&](explorer::run& r) { select_against_select(r, seed); });
}

TEST_CASE("three selects in a circle: one pair meets, nobody hangs") {
  for (unsigned seed : {1U, 2U}) must_hold(2, [&](explorer::run& r) { circle_of_selects(r, seed); });
}
