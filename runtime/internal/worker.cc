#include "weir/runtime/internal/worker.h"

#include <fmt/core.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>

#include "weir/runtime/internal/adoption.h"
#include "weir/runtime/internal/biased_lock.h"
#include "weir/runtime/internal/check.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/open_loop.h"
#include "weir/runtime/internal/outside_events.h"
#include "weir/runtime/internal/outside_wait.h"
#include "weir/runtime/internal/overflow.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {
namespace {

using namespace std::chrono_literals;

// How long a worker spins before it sleeps: a sleeping core costs some 30 us to wake, a spinning one less than 1. Half
// as long after each time that brought nothing, and the whole time again when it would have.
constexpr auto search_time = 50us;
constexpr auto shortest_search = 1us;
// How often a busy worker looks at its set, if something is watched there.
constexpr auto poll_interval = 50us;
// With so many in its ring it looks less often: whom the kernel names stands behind them in any case, and those who do
// not fit into the ring would go to inject, where they wait for longer.
constexpr std::uint32_t many_waiting = 64;
constexpr auto slow_poll_interval = 1ms;
// How long a worker leaves others alone whose actors did not belong apart (scheduler.h).
constexpr auto shortest_rest = 200us;
constexpr auto longest_rest = 5ms;
// What a thief takes should keep it busy for as long as its taking costs; so many in a row that do not are no accident.
constexpr auto worth_taking = 1us;
constexpr int brief_helps = 8;
// How long the oldest of those who have not run may stand behind newer ones.
constexpr auto longest_unserved = 1ms;
// So many meetings with other workers at locks, between two looks at the clock or so, move an actor.
constexpr unsigned often = 16;
// Turns between two looks at the clock. Prime, so that it does not beat with a program's own cycles.
constexpr unsigned turns_per_look = 61;

// The readiness set's own members.
constexpr readiness_token doorbell_token = 0, loop_token = 1;

thread_local const actor_core* this_thread_forked = nullptr;  // see forking_actor()
thread_local std::uint32_t this_thread_token = 0;             // biased_lock.h

// Not to be given again, so that a lock biased to a worker that has ended is never taken for another's.
std::uint32_t new_token() noexcept {
  static std::atomic<std::uint32_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) % (1U << 30) + 1;  // 30 bits: see biased_lock.h
}

std::string what_forked(const actor_core& a) {
  return fmt::format("actor \"{}\" (#{}), which called fork() and goes on", a.name(), a.id());
}

[[noreturn]] void fail(const char* call) { throw std::system_error(errno, std::generic_category(), call); }

}  // namespace

constinit thread_local worker* this_thread_worker = nullptr;

__attribute__((noinline)) worker* current_worker_or_null() noexcept {
  asm volatile("" ::: "memory");  // not to be merged with an earlier call, made on another thread
  return this_thread_worker;
}

__attribute__((noinline)) std::uint32_t worker_token() noexcept {
  asm volatile("" ::: "memory");
  return this_thread_token;
}

bool follow_holder(std::uint32_t holder, unsigned weight) noexcept {
  worker* const w = current_worker_or_null();
  return w != nullptr && w->running() != nullptr && w->follow_holder(holder, weight);
}

__attribute__((noinline)) const actor_core* forking_actor() noexcept {
  asm volatile("" ::: "memory");
  return this_thread_forked;
}

void leave_worker_behind() noexcept {
  if (this_thread_worker == nullptr) return;
  this_thread_forked = this_thread_worker->running();
  this_thread_worker = nullptr;
  this_thread_token = 0;
}

void refuse_forking_actor(const char* call, site where) {
  if (const actor_core* const a = forking_actor()) throw_forked(call, what_forked(*a), where);
}

void abort_forking_actor(const char* call) noexcept {
  if (const actor_core* const a = forking_actor()) abort_forked(call, what_forked(*a), a->where());
}

worker& current_worker() noexcept {
  worker* const w = current_worker_or_null();
  if (w == nullptr) abort_forking_actor("park");
  WEIR_CHECK(w != nullptr, std::string("not on a worker"));
  return *w;
}

__attribute__((noinline)) actor_core* current_actor() noexcept {
  asm volatile("" ::: "memory");
  const worker* const w = this_thread_worker;
  return w ? w->running() : nullptr;
}

std::shared_ptr<readiness_set> current_readiness() {
  const worker* const w = current_worker_or_null();
  return w != nullptr ? w->readiness() : thread_readiness();
}

void spend_operation() noexcept {
  if (worker* const w = current_worker_or_null(); w != nullptr && w->spend_operation()) give_way();
}

void begin_outside_wait() noexcept {
  if (worker* const w = current_worker_or_null())
    w->count_outside(1);
  else
    expect_outside_event();
}

void end_outside_wait() noexcept {
  if (worker* const w = current_worker_or_null())
    w->count_outside(-1);
  else
    outside_event_over();
}

worker::worker(runtime_core& runtime, int index)
    : runtime_(runtime), index_(index), readiness_(std::make_shared<readiness_set>()) {
  seat_.self = this;
  open_loop(loop_);
  try {
    if (const int error = uv_async_init(&loop_, &keep_alive_, [](uv_async_t*) {}); error != 0)
      throw std::system_error(-error, std::generic_category(), "uv_async_init");
    if ((doorbell_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) fail("eventfd");
    readiness_->add(doorbell_, EPOLLIN | EPOLLET, doorbell_token);
    readiness_->add(uv_backend_fd(&loop_), EPOLLIN, loop_token);
  } catch (...) {
    release();
    throw;
  }
  runtime.scheduler().add(seat_);
}

worker::~worker() { release(); }

void worker::release() noexcept {
  readiness_->end();
  // Handles that requests left behind are closed, their callbacks run.
  const auto close_handle = [](uv_handle_t* h, void*) {
    if (!uv_is_closing(h)) uv_close(h, nullptr);
  };
  uv_walk(&loop_, close_handle, nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);
  const int busy = uv_loop_close(&loop_);
  WEIR_CHECK(busy == 0, fmt::format("uv_loop_close: {}", uv_strerror(busy)));
  if (doorbell_ >= 0) close(doorbell_);
}

void worker::start() {
  thread_ = std::thread([this] { main(); });
}

void worker::ring() noexcept {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the bell has rung 2^64 times unheard.
  [[maybe_unused]] const auto written = write(doorbell_, &one, sizeof one);
}

void worker::main() {
  this_thread_worker = this;
  this_thread_token = new_token();
  token_.store(this_thread_token, std::memory_order_relaxed);
  thread_id_.store(gettid(), std::memory_order_relaxed);
  pthread_setname_np(pthread_self(), fmt::format("weir-{}", index_).c_str());
  const overflow_stack alternate;
  annotate_native(native_.annotation);
  const thread_slots slots;
  scheduler& s = runtime_.scheduler();
  recent_ = now();
  for (;;) {
    const unsigned turns_left = turns_until_look_.load(std::memory_order_relaxed) - 1;
    turns_until_look_.store(turns_left, std::memory_order_relaxed);
    if (turns_left == 0) [[unlikely]]
      tend(now());
    actor_core* a = s.pop(seat_);
    if (a == nullptr) {
      if (s.stopping()) break;
      a = idle();
      if (a == nullptr) continue;
    }
    running_.store(a, std::memory_order_relaxed);
    a->run_by(*this);
    resume(native_, a->context(), slots);
    switch (after_) {
      case after::park:
        running_.store(nullptr, std::memory_order_relaxed);
        if (a->word().commit() == commit_result::notified) runtime_.requeue(*a, *this);
        break;
      case after::park_open: {
        running_.store(nullptr, std::memory_order_relaxed);
        // Once parked, `a` may go on elsewhere; but not far, as long as its source is locked.
        const lock_key held = *held_;
        const commit_result parked = a->word().open_parked(interruptible_);
        held.unlock();
        if (parked == commit_result::notified) runtime_.requeue(*a, *this);
        break;
      }
      case after::move:
        running_.store(nullptr, std::memory_order_relaxed);
        s.push_pinned(move_to_->seat(), *a);
        break;
      case after::yield:
        running_.store(nullptr, std::memory_order_relaxed);
        runtime_.requeue(*a, *this);
        break;
      case after::exit:
        running_.store(nullptr, std::memory_order_relaxed);
        a->finish();
        break;
    }
  }
  this_thread_worker = nullptr;
}

std::uint64_t worker::next_id() noexcept {
  constexpr std::uint64_t at_once = 64;
  if (next_id_ == ids_end_) [[unlikely]] {
    next_id_ = runtime_.reserve_ids(at_once);
    ids_end_ = next_id_ + at_once;
  }
  return next_id_++;
}

void worker::run_requests() {
  if (!seat_.mail.load(std::memory_order_relaxed)) return;  // begin_sleep() looks again
  std::lock_guard guard(loop_lock_);
  bool any = false;
  while (loop_request* r = runtime_.scheduler().pop_request(seat_)) {
    if (!any) uv_update_time(&loop_);  // a timer started now counts from now, not from the loop's last run
    r->run(*r, *this);
    any = true;
  }
  if (!any) return;
  loop_used_.store(true, std::memory_order_relaxed);
  uv_run(&loop_, UV_RUN_NOWAIT);
}

void worker::tend(time_point now) {
  recent_ = now;
  turns_until_look_.store(turns_per_look, std::memory_order_relaxed);
  // Relaxed: who comes back a turn late has been looked after a turn longer.
  if (adopter_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
    end_adoption(*this);
  met_ /= 2;
  runtime_.scheduler().rounds().still_busy(now);
  // The set first: what came in time goes before a deadline that has passed since.
  const auto interval = seat_.ring.size() < many_waiting ? poll_interval : slow_poll_interval;
  if ((now - last_poll_ >= interval || timers_.next() <= now) && watches()) look(now);
  timers_.expire(now);
  run_requests();
  if (seat_.fresh.size() == 0) {
    fresh_since_ = now;
  } else if (now - fresh_since_ >= longest_unserved) {
    seat_.oldest_first = true;
    fresh_since_ = now;
  }
  if (runtime_.scheduler().adoption_wished()) [[unlikely]]
    adopt_stuck(now);
  if (adopted_.load(std::memory_order_relaxed) != 0 && now - looked_after_ >= poll_interval) [[unlikely]]
    look_after_adopted(now);
}

time_point worker::loop_due() noexcept {
  if (!loop_used_.load(std::memory_order_relaxed)) return time_point::max();
  std::lock_guard guard(loop_lock_);
  const int timeout = uv_backend_timeout(&loop_);
  return timeout < 0 ? time_point::max() : now() + std::chrono::milliseconds(timeout);
}

// A handle or a request of the loop, other than our own, may still do something.
bool worker::loop_watches() noexcept {
  std::lock_guard guard(loop_lock_);
  auto* const own = reinterpret_cast<uv_handle_t*>(&keep_alive_);
  uv_unref(own);
  const bool alive = uv_loop_alive(&loop_) != 0;
  uv_ref(own);
  return alive;
}

actor_core* worker::idle() {
  tend(now());
  scheduler& s = runtime_.scheduler();
  if (actor_core* const a = s.pop(seat_)) return a;  // a timer of our own
  const bool helped = std::exchange(helped_, false), brief = recent_ - helped_since_ < worth_taking;
  if (helped) brief_helps_ = brief ? brief_helps_ + 1 : 0;
  if (std::exchange(sent_away_, false) || brief_helps_ == brief_helps) {
    rest_ = std::clamp<time_point::duration>(rest_ * 2, shortest_rest, longest_rest);
    brief_helps_ = 0;
    rest();
    return nullptr;
  }
  if (helped && !brief) rest_ /= 2;
  if (readiness_->watches()) {
    if (descriptors_fired_.load(std::memory_order_relaxed) && sleep()) return nullptr;
    look(now());
    if (actor_core* const a = s.pop(seat_)) return a;
  }
  // The pool's threads need the core that a search would take.
  if (s.rounds().dense(recent_) && sleep()) return nullptr;
  search_began_ = now();
  const time_point::duration longest = seat_.expects_mail ? search_time : search_span_;
  if (actor_core* const a = s.search(seat_, std::min(search_began_ + longest, timers_.next()))) {
    search_span_ = search_time;
    helped_ = true;
    helped_since_ = now();
    return a;
  }
  if (seat_.mail.load(std::memory_order_relaxed)) return nullptr;  // pop() and tend() take it
  search_span_ = std::max<time_point::duration>(search_span_ / 2, shortest_search);
  sleep();
  return nullptr;
}

bool worker::sleep() {
  // Only actors that this worker runs insert into its heap, so no timer can come while it sleeps.
  time_point until = std::min(loop_due(), adopted_due());
  result_rounds& rounds = runtime_.scheduler().rounds();
  const bool promised = rounds.dense(recent_) && rounds.promise();
  if (promised) until = std::min(until, now() + result_rounds::length);
  has_timers_only_.store(until == time_point::max() && !loop_watches(), std::memory_order_relaxed);
  until = std::min(until, timers_.next());
  const bool sleeps = runtime_.scheduler().begin_sleep(seat_) && !adopted_has_request();
  events heard;
  if (sleeps) listen(heard, until);
  runtime_.scheduler().end_sleep(seat_);  // awake, before it makes anybody runnable
  // Called for work that a whole search would have met.
  if (seat_.searching && now() - search_began_ < search_time) search_span_ = search_time;
  if (promised) rounds.keep();
  // Also if it has only announced a sleep: the watchdog may have taken the announcement for one, and slept.
  runtime_.watchdog().stir();
  if (!sleeps) return false;
  serve(heard);
  tend(now());
  return true;
}

void worker::rest() {
  const time_point until = std::min({timers_.next(), loop_due(), adopted_due(), now() + rest_});
  const bool rests = runtime_.scheduler().begin_rest(seat_) && !adopted_has_request();
  events heard;
  if (rests) listen(heard, until);
  runtime_.scheduler().end_sleep(seat_);
  if (!rests) return;
  serve(heard);
  tend(now());
}

bool worker::follow_holder(std::uint32_t holder, unsigned weight) noexcept {
  met_ += weight;
  if (met_ < often || running()->pinned() >= 0 || runtime_.migrates()) return false;
  for (int i = 0; i < index_; ++i) {
    worker& lower = runtime_.worker_at(i);
    if (lower.token_.load(std::memory_order_relaxed) != holder) continue;
    sent_away_ = true;
    running()->move_to(lower);
    return true;
  }
  return false;
}

void worker::listen(events& heard, time_point until) noexcept {
  if (adopted_.load(std::memory_order_relaxed) != 0) {
    // The kernel may refuse, after the process has lowered its limit of descriptors: then they are looked at often.
    until = wait_with_adopted(until) ? time_point::min() : std::min(until, now() + slow_poll_interval);
  }
  const int most = static_cast<int>(heard.list.size());
  heard.count = readiness_->wait(heard.list.data(), most, until);
  if (heard.count < most) last_poll_ = now();  // else there may be more
}

bool worker::wait_with_adopted(time_point until) noexcept {
  std::array<pollfd, 1 + most_adopted> sets;  // not initialized: `count` of them are
  std::size_t count = 0;
  sets[count++] = readiness_->entry();
  for (int i = 0; i < runtime_.worker_count() && count < sets.size(); ++i) {
    worker& w = runtime_.worker_at(i);
    if (w.adopter_.load(std::memory_order_relaxed) == this) sets[count++] = w.readiness_->entry();
  }
  looked_after_ = {};  // tend() does it at once
  return readiness_set::wait_for_any(sets.data(), count, until);
}

// Of this worker's set; by whoever looks after it.
void worker::serve(const events& heard) {
  bool run_loop = false, descriptors = false;
  for (int i = 0; i < heard.count; ++i) {
    const epoll_event& e = heard.list[static_cast<std::size_t>(i)];
    if (e.data.u64 == doorbell_token) continue;  // has done its work
    if (e.data.u64 == loop_token) {
      run_loop = true;
    } else {
      descriptors = true;
      readiness_set::serve(e);
    }
  }
  if (heard.count > 0) descriptors_fired_.store(descriptors, std::memory_order_relaxed);
  // A timer of the loop may have come due while nothing fired.
  if (run_loop || loop_due() != time_point::max()) {
    std::lock_guard guard(loop_lock_);
    uv_run(&loop_, UV_RUN_NOWAIT);
  }
}

void worker::ask(time_point now) {
  events heard;
  const int most = static_cast<int>(heard.list.size());
  constexpr std::size_t own = 2;  // members that watched() does not count
  std::size_t told = 0;
  do {
    heard.count = readiness_->wait(heard.list.data(), most, time_point::min());
    serve(heard);
    told += static_cast<std::size_t>(heard.count);
    // There may be more, and what is not told now might lose to a deadline; but each member once at most.
  } while (heard.count == most && told < readiness_->watched() + own && timers_.next() <= now);
}

void worker::look(time_point now) {
  ask(now);
  last_poll_ = now;
}

}  // namespace weir::internal
