#include "weir/net/tcp.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/internal/socket.h"
#include "weir/runtime/base/errors.h"

namespace weir::net {
namespace internal {

using weir::internal::descriptor;

void throw_empty_listener(const char* call, site where) {
  weir::internal::throw_misuse(call, "the handle refers to a listener", "one that was moved from, reset or never set",
                               "Make one with an endpoint, as in tcp_listener(\"0.0.0.0:8080\"), and keep it.", where);
}

namespace {

void set_keep_alive(int fd, const std::optional<keep_alive_options>& o, const std::string& name) {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, int{o.has_value()}, name);
  if (!o) return;
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(o->idle.count()), name);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(o->interval.count()), name);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, o->probes, name);
}

// Before connect or listen: a connection that is accepted inherits them from its listener (tcp(7), socket(7)).
void set_options(int fd, const tcp_options& o, const std::string& name) {
  if (o.no_delay) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, name);
  if (o.keep_alive) set_keep_alive(fd, o.keep_alive, name);
  if (o.send_buffer > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, o.send_buffer, name);
  if (o.receive_buffer > 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, o.receive_buffer, name);
}

address numeric_tcp(std::string_view text) {
  const endpoint e = endpoint::parse(text);
  if (e.over != transport::tcp) throw bad_endpoint(text, "\"HOST:PORT\"", e.text(), 1);
  const auto at = e.numeric();
  if (!at) throw bad_endpoint(text, "an address in numbers (resolve a name first)", "the name \"" + e.host + '"', 1);
  return *at;
}

// A client port that is its own server's: the kernel connects a socket to itself when it happens to choose, on the way
// out, the very port that nobody listens on.
bool is_own_peer(int fd) {
  try {
    return address::of_socket(fd) == address::of_peer(fd);
  } catch (const error& e) {
    if (e.code().value() == ENOTCONN) return false;  // whoever has reset it by now is another one: the first call tells
    throw;
  }
}

std::shared_ptr<acceptor> listen_tcp(const address& at, const tcp_listen_options& o) {
  owned_fd made = listen_socket(at, transport::tcp, {o.backlog, o.reuse_address, o.reuse_port, o.v6_only});
  set_options(made.get(), o.connections, text_of(transport::tcp, at));
  return std::make_shared<acceptor>(std::move(made), transport::tcp);
}

// The stream's descriptor, to set an option.
template <class Use>
void with_descriptor(const socket_stream& of, const char* operation, Use use) {
  const descriptor::loan loan(of.fd());
  if (!loan) throw error(errc::closed, operation, of.name());
  use(loan.fd());
}

}  // namespace
}  // namespace internal

using internal::with_descriptor;

address tcp_stream::local(site where) const {
  address at;
  with_descriptor(socket("local", where), "getsockname", [&](int fd) { at = address::of_socket(fd); });
  return at;
}

void tcp_stream::no_delay(bool on, site where) const {
  const internal::socket_stream& s = socket("no_delay", where);
  with_descriptor(s, "setsockopt",
                  [&](int fd) { internal::set_option(fd, IPPROTO_TCP, TCP_NODELAY, int{on}, s.name()); });
}

void tcp_stream::keep_alive(std::optional<keep_alive_options> options, site where) const {
  const internal::socket_stream& s = socket("keep_alive", where);
  with_descriptor(s, "setsockopt", [&](int fd) { internal::set_keep_alive(fd, options, s.name()); });
}

void tcp_stream::abort(site where) const {
  internal::socket_stream& s = socket("abort", where);
  s.linger_no_more();
  s.close();
}

tcp_listener::tcp_listener(std::string_view at, const tcp_listen_options& options)
    : tcp_listener(internal::numeric_tcp(at), options) {}
tcp_listener::tcp_listener(const address& at, const tcp_listen_options& options)
    : basic_listener(internal::listen_tcp(at, options)) {}

tcp_listener tcp_listener::share(site where) const {
  get("share", where);
  return tcp_listener(shared());
}

tcp_stream tcp_connect(const address& to, deadline limit, const tcp_connect_options& options) {
  const std::string name = text_of(transport::tcp, to);
  internal::owned_fd fd = internal::open_socket(to.family(), SOCK_STREAM, "connect", name);
  internal::set_options(fd.get(), options.stream, name);
  if (options.from) internal::bind_socket(fd.get(), *options.from, text_of(transport::tcp, *options.from));
  auto watched = internal::watch_socket(std::move(fd), transport::tcp);
  internal::connect_socket(watched, to, name, limit);
  {
    const weir::internal::descriptor::loan use(watched);
    if (use && internal::is_own_peer(use.fd())) throw error(ECONNREFUSED, "connect", name);
  }
  return tcp_stream(new internal::socket_stream(std::move(watched), transport::tcp, to));
}

tcp_stream tcp_connect(std::string_view to, deadline limit, const tcp_connect_options& options) {
  return tcp_connect(internal::numeric_tcp(to), limit, options);
}

}  // namespace weir::net
