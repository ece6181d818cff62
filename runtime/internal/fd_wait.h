// One wait for a descriptor that weir does not own: armed for one event in the set of the worker where the wait begins.
//
// A set takes a descriptor once. So if somebody else waits for the same one there, this wait makes a set of its own,
// with the descriptor in it, and arms that: it is ready when the descriptor is.
//
// Thread-safety: the waiting actor or thread only; events come from anywhere.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "weir/runtime/base/fd_event.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/readiness.h"
#include "weir/runtime/internal/readiness_set.h"

namespace weir::internal {

struct watched;

class fd_wait {
 public:
  fd_wait(int fd, fd_event event) noexcept : fd_(fd), event_(event) {}
  fd_wait(const fd_wait&) = delete;
  // REQUIRES: not armed.
  fd_wait(fd_wait&& other) noexcept : fd_(other.fd_), event_(other.event_) {}
  ~fd_wait() { disarm(); }

  int fd() const noexcept { return fd_; }

  // Whether it is ready now. 0: no, 1: yes, -1: there is an error, as of arm().
  int look(int& error) const noexcept;

  // From now on an event is kept. 0, or the error; then nothing is armed.
  int arm() noexcept;
  // REQUIRES: armed. Where one waits for the event: as readable, whatever it is.
  readiness& state() noexcept;
  // Nobody waits there any more. Nothing if it is not armed.
  void disarm() noexcept;

  // `fd 12 readable`
  std::string describe() const;
  // Says what is wrong with the descriptor.
  [[noreturn]] void refuse(int error, const char* call, site where) const;

 private:
  int arm_apart(readiness_set& set, std::uint32_t events) noexcept;
  std::shared_ptr<readiness_set> exchange_set(std::shared_ptr<readiness_set> set) noexcept;

  const int fd_;
  const fd_event event_;
  // While it is armed:
  watched* of_ = nullptr;
  int apart_ = -1;  // the set of its own
};

}  // namespace weir::internal
