#include "weir/net/datagram.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "weir/net/endpoint.h"
#include "weir/net/error.h"
#include "weir/net/internal/as_net_error.h"
#include "weir/net/internal/owned_fd.h"
#include "weir/net/internal/socket.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/descriptor.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir::net {
namespace internal {

using namespace std::chrono_literals;
using weir::internal::descriptor;
using weir::internal::direction;
using weir::internal::wait_result;

class datagram_core {
 public:
  datagram_core(owned_fd fd, transport over, const std::optional<address>& peer)
      : over_(over), at_(address::of_socket(fd.get())), peer_(peer) {
    fd_ = descriptor(fd.get(), descriptor::kind::records, descriptor::users::many);
    fd.release();
  }

  received receive(mutable_buffer into, deadline limit);
  io_result send(const_buffer from, const address* to, deadline limit);
  void close() noexcept { fd_.close(); }
  const address& at() const noexcept { return at_; }
  std::string name() const { return text_of(over_, peer_ ? *peer_ : at_); }

 private:
  // What is to be done about errno `code`.
  enum class verdict : std::uint8_t { again, wait, lost };
  verdict judge(const char* verb, int code) const;
  // Waits; ok: worth another try.
  io_status wait(descriptor::operation& op, const char* verb, deadline limit);
  // A Unix socket that is connected to nobody is not told when some peer has room.
  bool must_poll(const address* to) const noexcept { return over_ == transport::local && to != nullptr; }

  descriptor fd_;
  const transport over_;
  const address at_;
  const std::optional<address> peer_;
};

datagram_core::verdict datagram_core::judge(const char* verb, int code) const {
  if (code == EINTR) return verdict::again;
  if (code == EAGAIN || code == EWOULDBLOCK) return verdict::wait;
  if (code == ECONNREFUSED || is_reset(code)) return verdict::lost;
  throw error(code, verb, name());
}

io_status datagram_core::wait(descriptor::operation& op, const char* verb, deadline limit) {
  const weir::internal::wait_for why(verb, [this] { return name(); });
  switch (as_net_error(why, [&] { return op.wait(why, limit); })) {
    case wait_result::ready:
      return io_status::ok;
    case wait_result::timeout:
      return io_status::timeout;
    case wait_result::cancelled:
      weir::internal::meet_cancel(verb);
      return io_status::closed;
    case wait_result::closed:
      break;
  }
  return io_status::closed;
}

received datagram_core::receive(mutable_buffer into, deadline limit) {
  received r;
  descriptor::operation op(fd_, direction::read, "recv", {});
  bool tried = false;
  while (op) {
    if (op.may_try() || (!tried && limit.expired())) {  // as fd_stream.cc
      tried = true;
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      // MSG_TRUNC: it says how long the datagram was, not how much of it there is.
      const ssize_t n =
          recvfrom(op.fd(), into.data(), into.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &size);
      const int code = errno;
      if (n >= 0) {
        r.size = static_cast<std::size_t>(n);
        r.bytes = std::min(r.size, into.size());
        r.from = address(reinterpret_cast<const sockaddr*>(&from), size);
        return r;
      }
      switch (judge("recv", code)) {
        case verdict::again:
          continue;
        case verdict::lost:
          r.status = io_status::reset;
          r.code = code;
          return r;
        case verdict::wait:
          op.would_block();
      }
    }
    r.status = wait(op, "recv", limit);
    if (r.status != io_status::ok) break;
  }
  if (!op) r.status = io_status::closed;
  if (r.status == io_status::closed) weir::internal::closed_or_cancelled("recv");
  return r;
}

io_result datagram_core::send(const_buffer from, const address* to, deadline limit) {
  io_result r;
  auto pause = 1ms;
  bool anyway = limit.expired();
  descriptor::operation op(fd_, direction::write, "send", {});
  while (op) {
    if (op.may_try() || std::exchange(anyway, false)) {
      const ssize_t n =
          sendto(op.fd(), from.data(), from.size(), MSG_NOSIGNAL, to ? to->data() : nullptr, to ? to->size() : 0);
      const int code = errno;
      if (n >= 0) return {io_status::ok, 0, static_cast<std::size_t>(n)};
      if (code == EMSGSIZE) return {io_status::too_long, 0, 0};
      switch (judge("send", code)) {
        case verdict::again:
          continue;
        case verdict::lost:
          return {io_status::reset, code, 0};
        case verdict::wait:
          op.would_block();
      }
    }
    if (must_poll(to)) {
      if (limit.expired()) return {io_status::timeout, 0, 0};
      r.status = wait(op, "send", std::min<deadline>(limit, pause));
      if (r.status == io_status::timeout) r.status = io_status::ok;
      anyway = true;
      pause = std::min(pause * 2, 50ms);
    } else {
      r.status = wait(op, "send", limit);
    }
    if (r.status != io_status::ok) break;
  }
  if (!op) r.status = io_status::closed;
  if (r.status == io_status::closed) weir::internal::closed_or_cancelled("send");
  return r;
}

namespace {

address address_for(std::string_view text, transport over) {
  const endpoint e = endpoint::parse(text, over == transport::udp ? over : transport::tcp);
  if (e.over != over)
    throw bad_endpoint(text, over == transport::udp ? "\"HOST:PORT\"" : "\"/PATH\" or \"@NAME\"", e.text(), 1);
  const auto at = e.numeric();
  if (!at) throw bad_endpoint(text, "an address in numbers (resolve a name first)", "the name \"" + e.host + '"', 1);
  return *at;
}

owned_fd open_udp(const address& at, const char* operation, const udp_options& o, const std::string& name) {
  owned_fd made = open_socket(at.family(), SOCK_DGRAM, operation, name);
  if (o.reuse_address) set_option(made.get(), SOL_SOCKET, SO_REUSEADDR, 1, name);
  if (o.broadcast) set_option(made.get(), SOL_SOCKET, SO_BROADCAST, 1, name);
  if (at.family() == AF_INET6) set_option(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, int{o.v6_only}, name);
  if (o.send_buffer > 0) set_option(made.get(), SOL_SOCKET, SO_SNDBUF, o.send_buffer, name);
  if (o.receive_buffer > 0) set_option(made.get(), SOL_SOCKET, SO_RCVBUF, o.receive_buffer, name);
  return made;
}

std::shared_ptr<datagram_core> bind_udp(const address& at, const udp_options& o) {
  const std::string name = text_of(transport::udp, at);
  owned_fd made = open_udp(at, "bind", o, name);
  bind_socket(made.get(), at, name);
  return std::make_shared<datagram_core>(std::move(made), transport::udp, std::nullopt);
}

owned_fd bind_local(std::string_view text) {
  const address at = address_for(text, transport::local);
  const std::string name = text_of(transport::local, at);
  owned_fd made = open_socket(AF_UNIX, SOCK_DGRAM, "bind", name);
  bind_socket(made.get(), at, name);
  return made;
}

// Of datagrams it only sets whom they go to.
void connect_datagrams(int fd, const address& to, transport over) {
  if (connect(fd, to.data(), to.size()) != 0) throw_errno("connect", text_of(over, to));
}

}  // namespace
}  // namespace internal

using internal::datagram_core;

datagram_core& datagram_socket::core(const char* call, site where) const {
  if (core_ == nullptr)
    weir::internal::throw_misuse(call, "the handle refers to a socket", "one that was moved from, reset or never set",
                                 "Make one with an endpoint, as in udp_socket(\"127.0.0.1:0\"), and keep it.", where);
  return *core_;
}

received datagram_socket::recv_from(mutable_buffer into, deadline limit, site where) const {
  return core("recv_from", where).receive(into, limit);
}
io_result datagram_socket::recv(mutable_buffer into, deadline limit, site where) const {
  const received r = core("recv", where).receive(into, limit);
  return {r.status, r.code, r.bytes};
}
io_result datagram_socket::send_to(const_buffer from, const address& to, deadline limit, site where) const {
  return core("send_to", where).send(from, &to, limit);
}
io_result datagram_socket::send(const_buffer from, deadline limit, site where) const {
  return core("send", where).send(from, nullptr, limit);
}
void datagram_socket::close(site where) const { core("close", where).close(); }
std::string datagram_socket::name(site where) const { return core("name", where).name(); }
address datagram_socket::at(site where) const { return core("at", where).at(); }

udp_socket::udp_socket(std::string_view at, const udp_options& options)
    : udp_socket(internal::address_for(at, transport::udp), options) {}
udp_socket::udp_socket(const address& at, const udp_options& options)
    : datagram_socket(internal::bind_udp(at, options)) {}

udp_socket udp_connect(const address& to, const udp_options& options) {
  internal::owned_fd made = internal::open_udp(to, "connect", options, text_of(transport::udp, to));
  internal::connect_datagrams(made.get(), to, transport::udp);
  return udp_socket(std::make_shared<datagram_core>(std::move(made), transport::udp, to));
}
udp_socket udp_connect(std::string_view to, const udp_options& options) {
  return udp_connect(internal::address_for(to, transport::udp), options);
}

local_datagram::local_datagram(std::string_view at)
    : datagram_socket(std::make_shared<datagram_core>(internal::bind_local(at), transport::local, std::nullopt)) {}

local_datagram local_datagram_connect(std::string_view to, std::string_view at) {
  const address peer = internal::address_for(to, transport::local);
  internal::owned_fd made = internal::bind_local(at);
  internal::connect_datagrams(made.get(), peer, transport::local);
  return local_datagram(std::make_shared<datagram_core>(std::move(made), transport::local, peer));
}

}  // namespace weir::net
