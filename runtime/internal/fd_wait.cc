#include "weir/runtime/internal/fd_wait.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <new>
#include <system_error>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/watched.h"

namespace weir::internal {
namespace {

bool wants(fd_event event, fd_event one) noexcept {
  return (static_cast<unsigned>(event) & static_cast<unsigned>(one)) != 0;
}

// What epoll refuses with EPERM, and poll(2) calls ready at any time.
bool is_always_ready(int fd) noexcept {
  struct stat s {};
  return fstat(fd, &s) == 0 && (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode) || S_ISBLK(s.st_mode));
}

}  // namespace

int fd_wait::look(int& error) const noexcept {
  pollfd p{fd_, 0, 0};
  if (wants(event_, fd_event::readable)) p.events |= POLLIN;
  if (wants(event_, fd_event::writable)) p.events |= POLLOUT;
  if (fd_ >= 0 && poll(&p, 1, 0) <= 0) return 0;
  if (fd_ < 0 || (p.revents & POLLNVAL))
    error = EBADF;
  else if (is_always_ready(fd_))
    error = EPERM;
  else
    return 1;
  return -1;
}

int fd_wait::arm() noexcept {
  std::shared_ptr<readiness_set> set;
  try {
    of_ = &acquire_watched(false);
    set = current_readiness();
  } catch (const std::bad_alloc&) {
    disarm();
    return ENOMEM;
  } catch (const std::system_error& e) {
    disarm();
    return e.code().value();
  }
  std::uint32_t events = EPOLLONESHOT;
  if (wants(event_, fd_event::readable)) events |= EPOLLIN;
  if (wants(event_, fd_event::writable)) events |= EPOLLOUT;
  of_->fd = fd_;
  int error = set->arm(fd_, events, token_of(*of_, true));
  if (error == EEXIST) error = arm_apart(*set, events);
  if (error == 0)
    exchange_set(std::move(set));
  else
    disarm();
  return error;
}

int fd_wait::arm_apart(readiness_set& set, std::uint32_t events) noexcept {
  const int own = epoll_create1(EPOLL_CLOEXEC);
  if (own < 0) return errno;
  epoll_event e{events, {.u64 = 0}};
  int error = epoll_ctl(own, EPOLL_CTL_ADD, fd_, &e) == 0 ? 0 : errno;
  if (error == 0) error = set.arm(own, EPOLLIN | EPOLLONESHOT, token_of(*of_, true));
  if (error != 0) {
    close(own);
    return error;
  }
  apart_ = of_->fd = own;
  return 0;
}

readiness& fd_wait::state() noexcept { return of_->state; }

// Under the lock, as a set that ends may be about to tell an earlier user of the same memory (readiness_set::end).
std::shared_ptr<readiness_set> fd_wait::exchange_set(std::shared_ptr<readiness_set> set) noexcept {
  std::lock_guard guard(of_->join_lock);
  return std::exchange(of_->set, std::move(set));
}

void fd_wait::disarm() noexcept {
  if (of_ == nullptr) return;
  if (const std::shared_ptr<readiness_set> set = exchange_set(nullptr)) set->disarm(of_->fd, token_of(*of_, true));
  if (apart_ >= 0) close(std::exchange(apart_, -1));
  release_watched(*std::exchange(of_, nullptr));
}

std::string fd_wait::describe() const {
  const char* const what = event_ == fd_event::readable   ? "readable"
                           : event_ == fd_event::writable ? "writable"
                                                          : "ready";
  return "fd " + std::to_string(fd_) + " " + what;
}

void fd_wait::refuse(int error, const char* call, site where) const {
  const std::string value = "fd " + std::to_string(fd_);
  if (error == EBADF)
    throw_misuse(call, "the descriptor must be open", value,
                 "Ask the library for its descriptor anew before each wait.", where);
  if (error == EPERM)
    throw_misuse(call, "the descriptor must be one that has to be waited for",
                 value + ", which is a file or a folder: always ready, even if a read takes long",
                 "Read and write it inside weir::blocking.", where);
  throw std::system_error(error, std::generic_category(), std::string(call) + ": epoll_ctl for " + value);
}

}  // namespace weir::internal
