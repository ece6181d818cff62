// A listener as a case of select.
//   on_accept(listener, body)   body(recv_result<Stream>)
//
// Thread-safety: as select.h. Any number of selects may wait on one listener, beside actors in accept().
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/channels/status.h"
#include "weir/net/listener.h"
#include "weir/runtime/base/site.h"

namespace weir::net {
namespace internal {

template <class Stream, class Body>
class accept_case final : public weir::internal::user_case<accept_case<Stream, Body>> {
 public:
  accept_case(acceptor& of, Body body, site at) : of_(of), body_(std::move(body)) { this->where = at; }

  decltype(auto) run() {
    if (!taken_ && !this->by_close) try_now();
    if (this->by_close) return std::invoke(body_, recv_result<Stream>(recv_status::closed, std::nullopt));
    if (!taken_) return std::invoke(body_, recv_result<Stream>(recv_status::empty, std::nullopt));
    return std::invoke(
        body_, recv_result<Stream>(recv_status::ok, Stream(make_socket_stream(std::move(taken_), of_.over(), from_))));
  }

  bool try_now() override {
    const recv_status status = of_.try_accept(taken_, from_, due_);
    this->by_close = status == recv_status::closed;
    return status != recv_status::empty;
  }
  enrolled enroll(wait_node& node) override { return of_.enroll(node, !due_.is_never()); }
  void withdraw(wait_node& node) noexcept override { of_.withdraw(node, !due_.is_never()); }
  void completed(const wait_node& node) noexcept override { this->by_close = node.closed; }
  void complete_as_closed() noexcept override { this->by_close = true; }
  // Without descriptors: when to try again.
  deadline due() const noexcept override { return due_; }
  weir::internal::select_case::unwinding while_unwinding() const noexcept override {
    return weir::internal::select_case::unwinding::as_closed;
  }
  std::string describe() const override { return "accept " + of_.name(); }

 private:
  acceptor& of_;
  Body body_;
  owned_fd taken_;
  address from_;
  deadline due_;
};

}  // namespace internal

// Ready when somebody has connected, and once the listener is closed. The body gets the connection; `closed`; or, if
// another actor that waits on the same listener was quicker, `empty`. While the actor unwinds: `closed`. The select
// throws what accept() throws, and pauses as it does when there are no descriptors.
template <class Stream, class Body>
auto on_accept(const basic_listener<Stream>& from, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, recv_result<Stream>>,
                "weir::net::on_accept: the body takes a weir::recv_result of the listener's stream");
  return internal::accept_case<Stream, Body>(from.get("on_accept", where), std::move(body), where);
}

}  // namespace weir::net
