#include "weir/net/socket/message_socket.h"

#include "weir/net/socket/internal/connection.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/net/socket/req_rep.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/make_actor.h"
#include "weir/runtime/runtime.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/this_actor.h"

namespace weir::net {
namespace {

weir::internal::runtime_core& runtime_of(const socket_options& o, site where) {
  return o.on ? o.on->core() : weir::internal::runtime_for_spawn(where);
}

}  // namespace

message_socket::message_socket(zmtp::socket_type type, socket_options options, site where) {
  weir::internal::runtime_core& r = runtime_of(options, where);
  core_ = std::make_shared<internal::socket_core>(type, std::move(options), r, where);
  try {
    internal::check_options(*core_, where);
    for (const std::string& topic : core_->options.subscribe) core_->subscribe(topic, where);
    for (const std::string& e : core_->options.bind) core_->bind(e, where);
    for (const std::string& e : core_->options.connect) core_->connect(e, where);
  } catch (...) {
    core_->close(std::chrono::nanoseconds(0));
    throw;
  }
}

message_socket& message_socket::operator=(message_socket&& other) noexcept {
  if (this != &other) {
    finish();
    core_ = std::move(other.core_);
  }
  return *this;
}

message_socket::~message_socket() { finish(); }

void message_socket::finish() noexcept {
  if (core_ == nullptr) return;
  const bool hurry = std::uncaught_exceptions() > 0 || this_actor::cancel_requested();
  // The connections' actors are waited for in any case; they end as soon as they are cancelled.
  shielded([&] { core_->close(hurry ? deadline(std::chrono::nanoseconds(0)) : deadline(core_->options.linger)); });
  core_.reset();
}

std::string message_socket::bind(std::string_view endpoint, site where) {
  return core("bind", where).bind(endpoint, where);
}
void message_socket::connect(std::string_view endpoint, site where) { core("connect", where).connect(endpoint, where); }
bool message_socket::unbind(std::string_view endpoint, site where) {
  return core("unbind", where).remove_endpoint(endpoint, true);
}
bool message_socket::disconnect(std::string_view endpoint, site where) {
  return core("disconnect", where).remove_endpoint(endpoint, false);
}
std::string message_socket::last_endpoint(site where) const { return core("last_endpoint", where).last_endpoint(); }

close_result message_socket::close(deadline linger, site where) { return core("close", where).close(linger); }
close_result message_socket::close(site where) {
  internal::socket_core& c = core("close", where);
  return c.close(c.options.linger);
}

receiver<peer_event> message_socket::events(std::size_t capacity, site where) {
  return core("events", where).events(capacity);
}
socket_statistics message_socket::statistics(site where) const { return core("statistics", where).statistics(); }
std::vector<peer_statistics> message_socket::peers(site where) const { return core("peers", where).peers(); }
bool message_socket::wait_peers(std::size_t n, deadline limit, site where) const {
  return core("wait_peers", where).wait_peers(n, limit);
}
zmtp::socket_type message_socket::type(site where) const { return core("type", where).type; }

// REQ and REP.

recv_result<message> req_socket::request(message&& question, deadline limit, site where) const {
  internal::socket_core& c = core("request", where);
  internal::check_frames(question, "request", where);
  message answer;
  const recv_status status = c.ask(question, answer, limit);
  if (status != recv_status::ok) return {status, std::nullopt};
  return {status, std::move(answer)};
}

request::request(message body, message envelope, std::shared_ptr<internal::pipe> from, std::uint64_t connection,
                 std::shared_ptr<internal::socket_core> at) noexcept
    : body_(std::move(body)),
      envelope_(std::move(envelope)),
      from_(std::move(from)),
      connection_(connection),
      at_(std::move(at)) {}

bool request::reply(message&& answer, site where) {
  if (at_ == nullptr)
    weir::internal::throw_misuse("request::reply", "a question has one answer", "a second one",
                                 "Keep it until the answer is whole.", where);
  internal::check_frames(answer, "request::reply", where);
  answer.prepend(std::move(envelope_));
  const std::shared_ptr<internal::socket_core> at = std::move(at_);
  return at->reply(from_, connection_, std::move(answer));
}

namespace {

// The frames up to the first empty one are the way back (RFC 28). False: there is none, or nothing behind it.
bool split(message& m, message& envelope) {
  for (std::size_t i = 0; i + 1 < m.size(); ++i)
    if (m[i].empty()) {
      envelope = m.take_front(i + 1);
      return true;
    }
  return false;
}

}  // namespace

template <class Recv>
recv_result<request> rep_socket::next(Recv recv) const {
  for (;;) {
    internal::incoming in;
    const recv_status status = recv(in);
    if (status != recv_status::ok) return {status, std::nullopt};
    message envelope;
    if (split(in.body, envelope))
      return {status,
              request(std::move(in.body), std::move(envelope), std::move(in.from), in.connection, shared_core())};
    core("recv", {}).count_malformed();
  }
}

std::optional<request> rep_socket::recv(site where) const {
  internal::socket_core& c = core("recv", where);
  auto r = next([&](internal::incoming& in) { return c.recv(in, deadline::never()); });
  return r ? std::optional<request>(std::move(*r)) : std::nullopt;
}
recv_result<request> rep_socket::recv(deadline limit, site where) const {
  internal::socket_core& c = core("recv", where);
  return next([&](internal::incoming& in) { return c.recv(in, limit); });
}
recv_result<request> rep_socket::try_recv(site where) const {
  internal::socket_core& c = core("try_recv", where);
  return next([&](internal::incoming& in) { return c.try_recv(in); });
}

// The PUB family.

subscription::subscription(message told, std::shared_ptr<internal::pipe> from, std::uint64_t connection,
                           std::shared_ptr<internal::socket_core> at) noexcept
    : told_(std::move(told)), from_(std::move(from)), connection_(connection), at_(std::move(at)) {}

bool subscription::give(std::string_view topic) const { return at_->give_topic(from_, connection_, true, topic); }
bool subscription::take(std::string_view topic) const { return at_->give_topic(from_, connection_, false, topic); }

recv_result<subscription> xpub_socket::recv_subscription(deadline limit, site where) const {
  internal::socket_core& c = core("recv_subscription", where);
  for (;;) {
    internal::incoming in;
    const recv_status status = c.recv(in, limit);
    if (status != recv_status::ok) return {status, std::nullopt};
    if (in.kind != internal::item_kind::message)
      return {status, subscription(std::move(in.body), std::move(in.from), in.connection, shared_core())};
    c.count_malformed();
  }
}

bool pub_socket::wait_subscribers(std::size_t n, std::string_view topic, deadline limit, site where) const {
  return core("wait_subscribers", where).wait_subscribers(n, topic, limit);
}
bool xpub_socket::wait_subscribers(std::size_t n, std::string_view topic, deadline limit, site where) const {
  return core("wait_subscribers", where).wait_subscribers(n, topic, limit);
}
void sub_socket::subscribe(std::string_view topic, site where) const {
  core("subscribe", where).subscribe(topic, where);
}
bool sub_socket::cancel(std::string_view topic, site where) const { return core("cancel", where).cancel(topic); }

}  // namespace weir::net
