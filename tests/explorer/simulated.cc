#include "tests/explorer/simulated.h"

#include "weir/runtime/internal/biased_lock.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/process_barrier.h"
#include "weir/runtime/internal/random.h"

namespace simulated {
namespace {

weir::internal::random_source shuffle{1};

// Each actor has a worker to itself; threads that run none are no workers.
std::uint32_t token_of_this_thread() noexcept {
  const auto* const a = static_cast<actor*>(explorer::local());
  return a ? a->worker_token : 0;
}

actor& current() { return *static_cast<actor*>(explorer::local()); }

}  // namespace

void actor::resume(parker* self) noexcept {
  auto& a = *static_cast<actor*>(self);
  explorer::check(!a.on_stack_.get(), "resumed while the actor's stack is still in use");
  a.runnable_.store(true);
}

void actor::stop(const weir::internal::wait_reason&, weir::deadline limit) {
  using weir::internal::commit_result;
  explorer::at("parked");
  if (word().notified()) return;
  const bool timed = !limit.is_never();
  if (timed) {
    timer_lock_.lock();
    epoch_ = word().epoch();
    timer_.store(timer::armed);
    timer_lock_.unlock();
  }
  // The switch-out, and then the worker's native stack.
  commit_result r = commit_result::parked;
  if (weir::internal::planted(weir::internal::bug::parked_before_out)) {
    r = word().commit();
    on_stack_.set(false);
  } else {
    on_stack_.set(false);
    r = word().commit();
  }
  if (r == commit_result::notified) runnable_.store(true);
  wait_until_resumed();
  if (timed) {
    timer_lock_.lock();
    timer_.store(timer::off);
    timer_lock_.unlock();
  }
  explorer::at("running");
}

void actor::stop_holding(const weir::internal::wait_reason&, weir::internal::lock_key held,
                         weir::internal::interruptible i) {
  using weir::internal::commit_result;
  explorer::at("parked");
  on_stack_.set(false);
  const bool early = weir::internal::planted(weir::internal::bug::unlocked_before_parked);
  if (early) held.unlock();
  const commit_result r = word().open_parked(i);
  if (!early) held.unlock();
  if (r == commit_result::notified) runnable_.store(true);
  wait_until_resumed();
  explorer::at("running");
}

void actor::wait_until_resumed() {
  explorer::block_until([this] { return runnable_.load(); });
  runnable_.store(false);
  on_stack_.set(true);
}

void actor::timer_fires() {
  using namespace weir::internal;
  explorer::block_until([this] { return timer_.load() != timer::off; });
  timer_lock_.lock();
  const bool won = timer_.load() == timer::armed && word().try_claim(epoch_, wake_cause::timeout) == claim_result::won;
  timer_lock_.unlock();
  if (won) wake();
}

std::function<void()> as(actor& self, std::function<void()> body) {
  return [&self, body = std::move(body)] {
    explorer::local() = &self;
    body();
    self.timer_.store(actor::timer::over);
  };
}

void seed_shuffle(unsigned seed) { shuffle = weir::internal::random_source(seed); }

}  // namespace simulated

// What the runtime gives to the protocol in a real program.
namespace weir::internal {

parker& current_parker() { return simulated::current(); }
void meet_cancel(const char*) { simulated::current().cancel_met = true; }
void give_way() noexcept {}
void spend_operation() noexcept {}
void closed_or_cancelled(const char* verb) {
  if (current_parker().word().cancel_pending()) meet_cancel(verb);
}
std::uint32_t worker_token() noexcept { return simulated::token_of_this_thread(); }
bool follow_holder(std::uint32_t, unsigned) noexcept { return false; }
void barrier_in_all_threads() noexcept {}  // runs are sequentially consistent
random_source& thread_random() noexcept { return simulated::shuffle; }
void nap() noexcept { explorer::pause(); }

}  // namespace weir::internal
