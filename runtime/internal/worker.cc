#include "weir/runtime/internal/worker.h"

#include <fmt/core.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "weir/runtime/internal/check.h"
#include "weir/runtime/internal/overflow.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {
namespace {

using namespace std::chrono_literals;

// How long a worker spins before it sleeps: a sleeping core costs some 30 us to wake, a spinning one less than 1.
constexpr auto search_time = 50us;
// How often a busy worker looks at its loop, if something is watched there.
constexpr auto poll_interval = 50us;
// Turns between two looks at the clock. Prime, so that it does not beat with a program's own cycles.
constexpr unsigned turns_per_look = 61;

[[noreturn]] void fail(const char* call) { throw std::system_error(errno, std::generic_category(), call); }

}  // namespace

constinit thread_local worker* this_thread_worker = nullptr;

__attribute__((noinline)) worker* current_worker_or_null() noexcept {
  asm volatile("" ::: "memory");  // not to be merged with an earlier call, made on another thread
  return this_thread_worker;
}

worker& current_worker() noexcept {
  worker* const w = current_worker_or_null();
  WEIR_CHECK(w != nullptr, std::string("not on a worker"));
  return *w;
}

__attribute__((noinline)) actor_core* current_actor() noexcept {
  asm volatile("" ::: "memory");
  const worker* const w = this_thread_worker;
  return w ? w->running() : nullptr;
}

worker::worker(runtime_core& runtime, int index) : runtime_(runtime), index_(index) {
  seat_.self = this;
  if (const int error = uv_loop_init(&loop_); error != 0)
    throw std::system_error(-error, std::generic_category(), "uv_loop_init");
  try {
    if (const int error = uv_async_init(&loop_, &keep_alive_, [](uv_async_t*) {}); error != 0)
      throw std::system_error(-error, std::generic_category(), "uv_async_init");
    if ((epoll_ = epoll_create1(EPOLL_CLOEXEC)) < 0) fail("epoll_create1");
    if ((doorbell_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) fail("eventfd");
    watch(doorbell_, EPOLLIN | EPOLLET);
    watch(uv_backend_fd(&loop_), EPOLLIN);
  } catch (...) {
    release();
    throw;
  }
  runtime.scheduler().add(seat_);
}

worker::~worker() { release(); }

void worker::watch(int fd, std::uint32_t events) {
  epoll_event e{events, {.fd = fd}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e) != 0) fail("epoll_ctl");
}

void worker::release() noexcept {
  // Handles that requests left behind are closed, their callbacks run.
  const auto close_handle = [](uv_handle_t* h, void*) {
    if (!uv_is_closing(h)) uv_close(h, nullptr);
  };
  uv_walk(&loop_, close_handle, nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);
  const int busy = uv_loop_close(&loop_);
  WEIR_CHECK(busy == 0, fmt::format("uv_loop_close: {}", uv_strerror(busy)));
  if (doorbell_ >= 0) close(doorbell_);
  if (epoll_ >= 0) close(epoll_);
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
  pthread_setname_np(pthread_self(), fmt::format("weir-{}", index_).c_str());
  const overflow_stack alternate;
  annotate_native(native_.annotation);
  const thread_slots slots;
  scheduler& s = runtime_.scheduler();
  recent_ = now();
  for (unsigned turn = 0;; ++turn) {
    if (turn % turns_per_look == 0 || look_) tend(now());
    actor_core* a = s.pop(seat_);
    if (a == nullptr) {
      if (s.stopping()) break;
      a = idle();
      if (a == nullptr) continue;
    }
    a->word().run();
    running_.store(a, std::memory_order_relaxed);
    resume(native_, a->context(), slots);
    switch (after_) {
      case after::park:
        running_.store(nullptr, std::memory_order_relaxed);
        if (a->word().commit() == commit_result::notified) runtime_.requeue(*a, *this);
        break;
      case after::yield:
        running_.store(nullptr, std::memory_order_relaxed);
        a->word().make_runnable();
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

void worker::run_requests() {
  bool any = false;
  while (loop_request* r = runtime_.scheduler().pop_request(seat_)) {
    if (!any) uv_update_time(&loop_);  // a timer started now counts from now, not from the loop's last run
    r->run(*r, *this);
    any = true;
  }
  if (any) uv_run(&loop_, UV_RUN_NOWAIT);
}

void worker::tend(time_point now) {
  recent_ = now;
  look_ = false;
  timers_.expire(now);
  run_requests();
  if (now - last_poll_ >= poll_interval) poll(false, now);
}

time_point worker::loop_due() const {
  const int timeout = uv_backend_timeout(&loop_);
  return timeout < 0 ? time_point::max() : now() + std::chrono::milliseconds(timeout);
}

actor_core* worker::idle() {
  tend(now());
  scheduler& s = runtime_.scheduler();
  if (actor_core* const a = s.pop(seat_)) return a;  // a timer of our own
  if (actor_core* const a = s.search(seat_, std::min(now() + search_time, timers_.next()))) return a;
  sleep();
  return nullptr;
}

void worker::sleep() {
  // Only actors that this worker runs insert into its heap, so no timer can come while it sleeps.
  const time_point until = std::min(timers_.next(), loop_due());
  const bool sleeps = runtime_.scheduler().begin_sleep(seat_);
  if (sleeps) poll(true, until);
  runtime_.scheduler().end_sleep(seat_);
  if (sleeps) {
    runtime_.watchdog().stir();
    tend(now());
  }
}

void worker::poll(bool may_wait, time_point until) {
  last_poll_ = now();
  timespec wait{0, 0};
  const bool for_ever = may_wait && until == time_point::max();
  if (may_wait && !for_ever) {
    const auto left = std::max(until - last_poll_, time_point::duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    wait.tv_sec = static_cast<time_t>(seconds.count());
    wait.tv_nsec = static_cast<long>(std::chrono::nanoseconds(left - seconds).count());
  }
  epoll_event events[8];
  int count = -1;
  if (has_pwait2_) {
    count = epoll_pwait2(epoll_, events, 8, for_ever ? nullptr : &wait, nullptr);
    has_pwait2_ = count >= 0 || errno != ENOSYS;
  }
  if (!has_pwait2_) {  // a kernel before 5.11, or valgrind: whole milliseconds, rounded up, as a sleep must not end
                       // early
    const auto ms = wait.tv_sec * 1000 + (wait.tv_nsec + 999'999) / 1'000'000;
    count = epoll_wait(epoll_, events, 8, for_ever ? -1 : static_cast<int>(std::min<long>(ms, 1 << 30)));
  }
  bool run_loop = false;
  for (int i = 0; i < count; ++i) run_loop |= events[i].data.fd != doorbell_;
  // A timer of the loop may have come due while nothing fired.
  if (run_loop || loop_due() != time_point::max()) uv_run(&loop_, UV_RUN_NOWAIT);
}

}  // namespace weir::internal
