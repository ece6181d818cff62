#include "weir/runtime/internal/readiness_set.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <new>
#include <system_error>

#include "weir/runtime/internal/watched.h"

namespace weir::internal {
namespace {

// -1 with errno set is the caller's to see.
int open_set() {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return fd;
}

// What `wait` was told, for the kernel; null: for ever.
const timespec* time_left(time_point until, timespec& space) noexcept {
  if (until == time_point::max()) return nullptr;
  space = {0, 0};
  if (until == time_point::min()) return &space;
  const auto left = std::max(until - now(), time_point::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  space.tv_sec = static_cast<time_t>(seconds.count());
  space.tv_nsec = static_cast<long>(std::chrono::nanoseconds(left - seconds).count());
  return &space;
}

// Whole milliseconds, rounded up, as a sleep must not end early.
int in_milliseconds(const timespec* left) noexcept {
  if (left == nullptr) return -1;
  return static_cast<int>(std::min<long>(left->tv_sec * 1000 + (left->tv_nsec + 999'999) / 1'000'000, 1 << 30));
}

}  // namespace

readiness_set::readiness_set() : epoll_(open_set()) {}

readiness_set::~readiness_set() { close(epoll_); }

int readiness_set::control(int operation, int fd, std::uint32_t events, readiness_token token) const noexcept {
  epoll_event e{events, {.u64 = token}};
  return epoll_ctl(epoll_, operation, fd, &e) == 0 ? 0 : errno;
}

void readiness_set::add(int fd, std::uint32_t events, readiness_token own) {
  if (const int error = control(EPOLL_CTL_ADD, fd, events, own); error != 0)
    throw std::system_error(error, std::generic_category(), "epoll_ctl");
}

// Null: no memory. REQUIRES: mutex_ is held.
readiness_set::member* readiness_set::place(int fd) noexcept {
  const auto at = static_cast<std::size_t>(fd);
  try {
    if (members_.size() <= at) members_.resize(std::max(at + 1, members_.size() * 2));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  return &members_[at];
}

int readiness_set::join(int fd, std::uint32_t events, readiness_token token) noexcept {
  if (fd < 0) return EBADF;
  std::lock_guard guard(mutex_);
  if (ended_) return ECANCELED;
  member* const m = place(fd);
  if (m == nullptr) return ENOMEM;
  int error = control(EPOLL_CTL_ADD, fd, events, token);
  // What a wait has left behind gives way.
  if (error == EEXIST && !m->joined && !m->waits) error = control(EPOLL_CTL_MOD, fd, events, token);
  if (error != 0) return error;
  // A wait or a member whose descriptor was closed under it stands here no more.
  if (!m->joined && !m->waits) watched_.fetch_add(1, std::memory_order_relaxed);
  *m = {.token = token, .joined = true, .waits = false};
  return 0;
}

void readiness_set::leave(int fd, readiness_token token) noexcept {
  if (foreign()) return;
  std::lock_guard guard(mutex_);
  if (ended_ || static_cast<std::size_t>(fd) >= members_.size()) return;
  member& m = members_[static_cast<std::size_t>(fd)];
  if (m.token != token) return;
  (void)control(EPOLL_CTL_DEL, fd, 0, 0);
  m = {};
  watched_.fetch_sub(1, std::memory_order_relaxed);
}

int readiness_set::arm(int fd, std::uint32_t events, readiness_token token) noexcept {
  if (fd < 0) return EBADF;
  std::lock_guard guard(mutex_);
  if (ended_) return ECANCELED;
  member* const m = place(fd);
  if (m == nullptr) return ENOMEM;
  const bool left_behind = m->token != 0 && !m->joined && !m->waits;
  int error = left_behind ? control(EPOLL_CTL_MOD, fd, events, token) : ENOENT;
  if (error == ENOENT) error = control(EPOLL_CTL_ADD, fd, events, token);
  // Of a number that an earlier life of the descriptor has left behind, through a duplicate.
  if (error == EEXIST && !m->joined && !m->waits) error = control(EPOLL_CTL_MOD, fd, events, token);
  if (error != 0) return error;
  if (!m->joined && !m->waits) watched_.fetch_add(1, std::memory_order_relaxed);
  *m = {.token = token, .joined = false, .waits = true};
  return 0;
}

void readiness_set::disarm(int fd, readiness_token token) noexcept {
  if (foreign()) return;
  std::lock_guard guard(mutex_);
  if (ended_) return;
  member& m = members_[static_cast<std::size_t>(fd)];
  if (m.token != token) return;  // the number is another's by now
  m.waits = false;
  watched_.fetch_sub(1, std::memory_order_relaxed);
}

int readiness_set::wait(epoll_event* events, int most, time_point until) noexcept {
  timespec space;
  const timespec* const left = time_left(until, space);
  int count = -1;
  bool new_enough = has_pwait2_.load(std::memory_order_relaxed);
  if (new_enough) {
    count = epoll_pwait2(epoll_, events, most, left, nullptr);
    new_enough = count >= 0 || errno != ENOSYS;
    if (!new_enough) has_pwait2_.store(false, std::memory_order_relaxed);
  }
  if (!new_enough) count = epoll_wait(epoll_, events, most, in_milliseconds(left));  // before 5.11, or valgrind
  return std::max(count, 0);
}

bool readiness_set::wait_for_any(pollfd* sets, std::size_t count, time_point until) noexcept {
  timespec space;
  return ppoll(sets, count, time_left(until, space), nullptr) >= 0 || errno == EINTR;
}

void readiness_set::serve(const epoll_event& event) noexcept {
  const watched_token t = from_token(event.data.u64);
  unsigned what = 0;
  if (t.one_shot || (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR))) what |= can_read;
  if (!t.one_shot && (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) what |= can_write;
  if (event.events & (EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR)) what |= for_good;
  t.of.state.fire(t.generation, what);
}

void readiness_set::end() noexcept {
  std::vector<member> left;
  {
    std::lock_guard guard(mutex_);
    ended_ = true;
    left.swap(members_);
  }
  for (const member& m : left)
    if (m.joined || m.waits) forget_set(from_token(m.token), *this);
}

}  // namespace weir::internal
