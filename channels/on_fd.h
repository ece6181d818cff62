// A descriptor that a foreign library owns, as a case of select (runtime/wait_fd.h).
//   on_fd(fd, event, body)   body() or body(bool ready): it is readable, writable, or either of them
//
// Thread-safety: a case belongs to its select.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/runtime/base/fd_event.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/fd_wait.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/outside_wait.h"

namespace weir {
namespace internal {

template <class Body>
class fd_case final : public user_case<fd_case<Body>> {
 public:
  fd_case(int fd, fd_event event, Body body, site at) : wait_(fd, event), body_(std::move(body)) { this->where = at; }
  decltype(auto) run() {
    if (error_ != 0) wait_.refuse(std::exchange(error_, 0), "on_fd", this->where);
    spend_operation();
    if constexpr (std::is_invocable_v<Body&, bool>)
      return std::invoke(body_, !std::exchange(gone_, false));
    else
      return std::invoke(body_);
  }

  bool try_now() override {
    error_ = 0;
    return wait_.look(error_) != 0;  // an error is told by run()
  }
  enrolled enroll(wait_node& node) noexcept override {
    begin_outside_wait();  // until withdraw()
    if ((error_ = wait_.arm()) != 0) return enroll_ready(node);
    return wait_.state().enroll(direction::read, node);
  }
  void withdraw(wait_node& node) noexcept override {
    if (error_ == 0) {
      wait_.state().withdraw(direction::read, node);
      wait_.disarm();
    }
    end_outside_wait();
  }
  void completed(const wait_node&) noexcept override {}
  void complete_as_closed() noexcept override { gone_ = true; }
  std::string describe() const override { return wait_.describe(); }

 private:
  fd_wait wait_;
  Body body_;
  int error_ = 0;
  bool gone_ = false;
};

}  // namespace internal

// Ready as long as poll(2) would say so. While the actor unwinds from a cancel, `ready` may be false. The select throws
// what wait_fd throws. Each look costs a system call, and so does each time the select parks.
template <class Body>
auto on_fd(int fd, fd_event event, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, bool> || std::is_invocable_v<Body&>,
                "weir::on_fd: the body takes nothing, or bool (false: not ready, but the actor unwinds)");
  return internal::fd_case<Body>(fd, event, std::move(body), where);
}

}  // namespace weir
