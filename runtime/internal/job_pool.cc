#include "weir/runtime/internal/job_pool.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>

#include "weir/runtime/internal/futex.h"
#include "weir/runtime/internal/idle_threads.h"

namespace weir::internal {

// A thread of the pool.
struct job_pool::member {
  std::thread thread;
  member* next = nullptr;       // in members_
  member* next_idle = nullptr;  // in idle_
  // A futex: 1 once the thread was called out of idle_. Written under the pool's lock; the thread reads it without,
  // acquire, and then takes the lock.
  atomic<std::uint32_t> called{0};
};

namespace {

struct pool_thread {
  const job_pool* pool = nullptr;
  bool has_next = false;  // it has taken the next job already
};
thread_local pool_thread this_thread;

// Never inlined, so that no caller keeps the address of the thread-local over a switch.
__attribute__((noinline)) pool_thread here() noexcept {
  asm volatile("" ::: "memory");
  return this_thread;
}

int nice_of_caller() noexcept {
  errno = 0;
  const int value = getpriority(PRIO_PROCESS, 0);
  return errno == 0 ? value : 0;
}

// A low priority counts for ordinary threads only; where it cannot be had, the thread runs at the one it was given.
// In Linux it is the thread's own, and 0 means the calling one.
void be_nice(int value) noexcept { setpriority(PRIO_PROCESS, 0, value); }

}  // namespace

job_pool::job_pool(const job_pool_settings& settings) noexcept
    : settings_(settings), nice_(settings.nice == 0 ? 0 : std::min(19, nice_of_caller() + settings.nice)) {}

job_pool::~job_pool() { stop(); }

bool job_pool::on_own_thread() const noexcept { return here().pool == this; }

// A thread that is out of jobs parks nowhere but in its pool.
bool job_pool::runs_job() noexcept { return here().pool != nullptr; }

bool job_pool::goes_on() noexcept {
  const pool_thread t = here();
  // Relaxed: a hint; what it decides is safe either way.
  return t.pool != nullptr && (t.has_next || t.pool->length_.load(std::memory_order_relaxed) != 0);
}

job_pool::placed job_pool::take_place(interruptible i, deadline limit) {
  if (try_take_place()) return placed::yes;
  if (limit.expired()) return placed::timeout;
  parker& self = current_parker();
  lock_.lock();
  if (stopping_) {
    lock_.unlock();
    return placed::stopped;
  }
  if (places_ < settings_.bound) {  // since the try
    ++places_;
    lock_.unlock();
    return placed::yes;
  }
  const auto opened = self.begin_wait(i);
  if (opened.cancelled) {
    lock_.unlock();
    return placed::cancelled;
  }
  wait_node node(self, opened.epoch);
  wanting_.push_back(node);
  lock_.unlock();
  const wake_cause cause = self.park(plain_wait("submit", "a place in the line of a pool"), limit);
  std::lock_guard guard(lock_);
  wanting_.unlink(node);
  if (cause != wake_cause::peer) return cause == wake_cause::timeout ? placed::timeout : placed::cancelled;
  return node.closed ? placed::stopped : placed::yes;
}

bool job_pool::try_take_place() noexcept {
  const bool own = on_own_thread();
  std::lock_guard guard(lock_);
  if (stopping_ || (places_ >= settings_.bound && !own)) return false;
  ++places_;
  return true;
}

void job_pool::release_place() noexcept {
  wait_node* woken = nullptr;
  {
    std::lock_guard guard(lock_);
    woken = release_place_locked();
  }
  if (woken != nullptr) woken->owner->wake();
}

// Who waits gets it; else it is free.
wait_node* job_pool::release_place_locked() noexcept {
  // Beyond the bound nobody gets one: a pool thread has taken one too many.
  wait_node* const next = places_ <= settings_.bound ? wanting_.claim_first() : nullptr;
  if (next == nullptr) --places_;
  return next;
}

void job_pool::push(pool_job& j, bool has_place) {
  j.since = now();
  j.has_place = has_place;
  // Relaxed: whoever asks has seen the push by other means, or asks too early.
  pending_.fetch_add(1, std::memory_order_relaxed);
  member* called = nullptr;
  bool start = false;
  lock_.lock();
  if (stopping_) {
    if (has_place) --places_;
    lock_.unlock();
    j.finish(j, false);
    pending_.fetch_sub(1, std::memory_order_release);
    return;
  }
  j.before = last_;
  j.after = nullptr;
  (last_ != nullptr ? last_->after : first_) = &j;
  last_ = &j;
  j.in_line = true;
  length_.store(++stats_.queued, std::memory_order_relaxed);
  if (idle_ != nullptr) {
    called = std::exchange(idle_, idle_->next_idle);
    idle_threads_of_process.unpark();
    called->called.store(1, std::memory_order_release);
  } else if (live_ < settings_.most_threads) {
    ++live_;
    start = true;
  }
  lock_.unlock();
  if (called != nullptr) futex_wake_all(&called->called);  // the address only: the thread may have ended
  if (!start) return;
  try {
    start_thread();
  } catch (...) {
    lock_.lock();
    --live_;
    // Others that are about to start one may fail as well, so they do not count.
    const bool none = members_ == nullptr;
    lock_.unlock();
    // Else it waits for a thread that there is.
    if (none && take_back(j)) throw;
  }
}

void job_pool::start_thread() {
  auto made = std::make_unique<member>();
  member& m = *made;
  m.thread = std::thread([this, &m] { serve(m); });
  {
    std::lock_guard guard(lock_);
    m.next = std::exchange(members_, made.release());
  }
  // Pairs with serve(): from here on the thread may end and be joined.
  m.called.store(1, std::memory_order_release);
  futex_wake_all(&m.called);
}

bool job_pool::take_back(pool_job& j) noexcept {
  wait_node* woken = nullptr;
  {
    std::lock_guard guard(lock_);
    if (!j.in_line) return false;
    unlink_locked(j);
    if (j.has_place) woken = release_place_locked();
  }
  if (woken != nullptr) woken->owner->wake();
  pending_.fetch_sub(1, std::memory_order_release);
  return true;
}

void job_pool::unlink_locked(pool_job& j) noexcept {
  (j.before != nullptr ? j.before->after : first_) = j.after;
  (j.after != nullptr ? j.after->before : last_) = j.before;
  j.in_line = false;
  length_.store(--stats_.queued, std::memory_order_relaxed);
}

// The longest-waiting job, or null. `*woken` got its place, if somebody waited for one.
pool_job* job_pool::pop_locked(time_point at, wait_node** woken) noexcept {
  *woken = nullptr;
  pool_job* const j = first_;
  if (j == nullptr) return nullptr;
  unlink_locked(*j);
  stats_.waited += std::max(at - j->since, time_point::duration::zero());
  ++stats_.busy;
  if (j->has_place) *woken = release_place_locked();
  return j;
}

void job_pool::serve(member& self) noexcept {
  while (self.called.load(std::memory_order_acquire) == 0) futex_wait(&self.called, 0);  // see start_thread()
  pthread_setname_np(pthread_self(), settings_.thread_name);
  if (settings_.nice != 0) be_nice(nice_);
  this_thread.pool = this;
  pool_job* ran = nullptr;
  for (bool last_look = false;;) {
    wait_node* woken = nullptr;
    const time_point at = now();
    lock_.lock();
    if (ran != nullptr) {
      --stats_.busy;
      ++stats_.done;
    }
    pool_job* const j = pop_locked(at, &woken);
    if (j == nullptr && ran == nullptr) {
      if (stopping_ || last_look) break;
      self.called.store(0, std::memory_order_relaxed);  // own, until it is in the list
      self.next_idle = std::exchange(idle_, &self);
      idle_threads_of_process.park();
    }
    lock_.unlock();
    if (woken != nullptr) woken->owner->wake();
    if (ran != nullptr) {
      this_thread.has_next = j != nullptr;
      ran->finish(*ran, true);
      this_thread.has_next = false;
      pending_.fetch_sub(1, std::memory_order_release);  // pairs with pending()
    } else if (j == nullptr) {
      last_look = !sleep_idle(self);
      continue;
    }
    last_look = false;
    if (j != nullptr) j->run(*j);
    ran = j;
  }
  retire(self);  // unlocks
}

// Sleeps until it is called: true. False: nobody did for as long as it lingers, and it is out of the list.
bool job_pool::sleep_idle(member& self) noexcept {
  look_again_if_in_doubt();
  const time_point until = deadline(settings_.linger).at();
  // Acquire pairs with push() and stop().
  while (self.called.load(std::memory_order_acquire) == 0) {
    futex_wait(&self.called, 0, until);
    if (until == time_point::max() || now() < until) continue;
    std::lock_guard guard(lock_);
    if (self.called.load(std::memory_order_relaxed) != 0) break;
    member** m = &idle_;
    while (*m != &self) m = &(*m)->next_idle;
    *m = self.next_idle;
    idle_threads_of_process.unpark();
    return false;
  }
  return true;
}

// REQUIRES: lock_ held; it is free afterwards. The thread's last touch of the pool, but for the join.
void job_pool::retire(member& self) noexcept {
  member** m = &members_;
  while (*m != &self) m = &(*m)->next;
  *m = self.next;
  const std::unique_ptr<member> before = std::exchange(ended_, std::unique_ptr<member>(&self));
  const bool last = --live_ == 0 && stopping_;
  lock_.unlock();
  if (before) before->thread.join();  // it has left this function, or is about to
  if (last) all_ended_.set();
}

void job_pool::stop() noexcept {
  lock_.lock();
  stopping_ = true;
  pool_job* line = std::exchange(first_, nullptr);
  last_ = nullptr;
  for (pool_job* j = line; j != nullptr; j = j->after) {
    j->in_line = false;
    if (j->has_place) --places_;
  }
  stats_.queued = 0;
  length_.store(0, std::memory_order_relaxed);
  wait_node* const refused = wanting_.claim_all();
  for (wait_node* n = refused; n != nullptr; n = n->next) n->closed = true;
  for (member* m = std::exchange(idle_, nullptr); m != nullptr; m = m->next_idle) {
    idle_threads_of_process.unpark();
    m->called.store(1, std::memory_order_release);
    futex_wake_all(&m->called);
  }
  const bool wait = live_ != 0;
  lock_.unlock();
  wake_all(refused);
  while (line != nullptr) {
    pool_job& j = *line;
    line = j.after;
    j.finish(j, false);
    pending_.fetch_sub(1, std::memory_order_release);
  }
  if (wait) all_ended_.wait(plain_wait("~cpu_pool", "the jobs that run"), interruptible::no);
  lock_.lock();
  const std::unique_ptr<member> last = std::move(ended_);
  lock_.unlock();
  if (last) last->thread.join();
}

pool_stats job_pool::stats() noexcept {
  std::lock_guard guard(lock_);
  pool_stats s = stats_;
  s.threads = live_;
  return s;
}

}  // namespace weir::internal
