// Message sockets as cases of select.
//   on_recv(socket, body)      body(std::optional<message>): empty once closed and drained
//   on_recv(rep, body)         the same of a rep_socket: body(std::optional<request>)
//   on_send(socket, m, body)   body() or body(bool sent): false once closed
//
// Thread-safety: as select.h; several selects and calls may wait on one socket.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/channels/status.h"
#include "weir/net/message.h"
#include "weir/net/socket/message_socket.h"
#include "weir/net/socket/req_rep.h"
#include "weir/runtime/base/site.h"

namespace weir {
namespace net::internal {

// `take` says what has come, as a recv_result<Value>: what wakes the case may be less than that, as a message that is
// no question.
template <class Value, class Take, class Body>
class socket_recv_case final : public weir::internal::user_case<socket_recv_case<Value, Take, Body>> {
 public:
  socket_recv_case(socket_core& of, Take take, Body body, site at)
      : of_(of), take_(std::move(take)), body_(std::move(body)) {
    this->where = at;
  }
  decltype(auto) run() { return std::invoke(body_, this->by_close ? std::optional<Value>() : std::move(value_)); }

  bool try_now() override {
    recv_result<Value> r = take_();
    this->by_close = r.status() == recv_status::closed;
    if (r) value_.emplace(std::move(*r));
    return r.status() != recv_status::empty;
  }
  weir::internal::enrolled enroll(weir::internal::wait_node& node) override { return of_.enroll_recv(node); }
  void withdraw(weir::internal::wait_node& node) noexcept override { of_.withdraw_recv(node); }
  void completed(const weir::internal::wait_node&) noexcept override {}
  bool confirm() override { return try_now(); }
  void complete_as_closed() noexcept override { this->by_close = true; }
  std::string describe() const override { return "recv " + of_.describe(); }

 private:
  socket_core& of_;
  Take take_;
  Body body_;
  std::optional<Value> value_;
};

template <class Value, class Socket, class Body>
auto make_socket_recv_case(const Socket& from, Body body, site where) {
  const auto take = [&from, where] { return from.try_recv(where); };
  return socket_recv_case<Value, decltype(take), Body>(from.core("on_recv", where), take, std::move(body), where);
}

// `Message` is message& (the caller's, taken from only if the case is chosen) or message (the case's own).
template <class Message, class Body>
class socket_send_case final : public weir::internal::user_case<socket_send_case<Message, Body>> {
 public:
  socket_send_case(socket_core& of, Message m, Body body, site at)
      : of_(of), message_(static_cast<Message&&>(m)), body_(std::move(body)) {
    this->where = at;
  }
  static constexpr bool goes_once = true;
  // The same with a message of its own, which it takes.
  socket_send_case<message, Body> owned() && requires std::is_reference_v<Message> {
    socket_send_case<message, Body> mine(of_, std::move(message_), std::move(body_), this->where);
    mine.enabled = this->enabled;
    mine.urgency = this->urgency;
    return mine;
  }
  decltype(auto) run() {
    if constexpr (std::is_invocable_v<Body&, bool>)
      return std::invoke(body_, !this->by_close);
    else
      return std::invoke(body_);
  }

  bool try_now() override {
    const send_status s = of_.try_send(message_, this->where);
    this->by_close = s == send_status::closed;
    return s != send_status::full;
  }
  weir::internal::enrolled enroll(weir::internal::wait_node& node) override { return of_.enroll_send(message_, node); }
  void withdraw(weir::internal::wait_node& node) noexcept override { of_.withdraw_send(node); }
  void completed(const weir::internal::wait_node&) noexcept override {}
  bool confirm() override { return try_now(); }
  void complete_as_closed() noexcept override { this->by_close = true; }
  std::string describe() const override { return "send " + of_.describe(); }

 private:
  socket_core& of_;
  Message message_;
  Body body_;
};

}  // namespace net::internal

template <class Socket, class Body>
requires std::same_as<typename Socket::receiving, Socket>
auto on_recv(const Socket& from, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, std::optional<net::message>>,
                "weir::on_recv: the body takes a std::optional<weir::net::message>");
  return net::internal::make_socket_recv_case<net::message>(from, std::move(body), where);
}

// Messages that are no questions are counted and passed over, as by recv().
template <class Body>
auto on_recv(const net::rep_socket& from, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, std::optional<net::request>>,
                "weir::on_recv: the body takes a std::optional<weir::net::request>");
  return net::internal::make_socket_recv_case<net::request>(from, std::move(body), where);
}

// The message is taken from only when the case is chosen: until then, and if the socket is closed, it is the caller's.
template <class Socket, class Body>
requires std::same_as<typename Socket::sending, Socket>
auto on_send(const Socket& to, net::message&& m, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, bool> || std::is_invocable_v<Body&>,
                "weir::on_send: the body takes nothing, or bool (false: closed)");
  return net::internal::socket_send_case<net::message&, Body>(to.core("on_send", where), m, std::move(body), where);
}

}  // namespace weir
