#include "weir/net/http/internal/client_exchange.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <utility>

#include "weir/net/dns/dial.h"
#include "weir/net/dns/dns_error.h"
#include "weir/net/error.h"
#include "weir/net/http/writer.h"
#include "weir/net/tls/tls_error.h"
#include "weir/net/tls/tls_stream.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::http::internal {
namespace {

const char* const later = "Try again later, or with a longer timeout";
constexpr int most_interim = 16;  // responses of 1xx before the one that counts
// To make a connection anew costs no more than that.
constexpr std::size_t skipped_at_most = 64 * 1024;
constexpr std::chrono::milliseconds skipped_in{250};

std::string reason_of_end(const io_result& r) {
  switch (r.status) {
    case io_status::end:
      return "the server has closed the connection";
    case io_status::reset:
      return "the connection broke: " + errno_text(r.code);
    default:
      return fmt::format("the connection is {}", name_of(r.status));
  }
}

// The reader's own limit on bodies is not used: who reads one piece by piece sets his own.
limits for_reader(limits l) {
  l.body = std::uint64_t{1} << 62;
  return l;
}

}  // namespace

client_exchange::client_exchange(std::shared_ptr<client_core> core, const url& to, const request& r, bool inflates,
                                 deadline limit)
    : core_(std::move(core)),
      to_(to),
      method_(r.method),
      inflates_(inflates),
      asked_to_close_(!r.keeps_alive()),
      limit_(limit) {
  phase_ = phase::waiting;
  auto place = core_->pool.enter(to_.origin(), limit_);
  if (!place) fail_late();
  place_ = std::move(*place);
  find_connection(true);
  if (send(r) == outcome::gone || await_head() == outcome::gone) {
    place_.count_stale();
    find_connection(false);
    send(r);
    await_head();  // of a new connection never `gone`
  }
  choose_decoder();
  phase_ = phase::body;
  if (connection_->in.body_length() == 0) next_piece();  // so that the connection is free at once
}

void client_exchange::fail(error_kind kind, const std::string& happened, const std::string& remedy) const {
  throw error(kind, phase_, std::string(name_of(method_)), to_.text(), happened, remedy);
}
void client_exchange::fail_late() const {
  fail(error_kind::timeout, "the deadline came first", std::string(later) + ".");
}
void client_exchange::fail_gone(const std::string& how) const {
  if (broken_.status == io_status::timeout) fail_late();
  if (broken_.status == io_status::closed)
    fail(error_kind::closed, "the caller unwinds in a cancelled scope", "Ask before, or in weir::shielded.");
  fail(any_ ? error_kind::truncated : error_kind::reset, how,
       any_ ? "Ask again, if what came is of no use." : "Ask again, if the request may be made twice.");
}
void client_exchange::fail_refused() const {
  const violation& v = connection_->in.failure();
  if (v.broken == rule::cut_off) fail_gone(broken_.status == io_status::ok ? v.text() : reason_of_end(broken_));
  const bool size = v.broken == rule::head_size || v.broken == rule::field_count || v.broken == rule::start_line_size;
  fail(size ? error_kind::too_large : error_kind::protocol, v.text(),
       size ? "A larger client_options::limits would take it." : "Tell who runs the server.");
}

void client_exchange::find_connection(bool kept) {
  connection_.reset();
  broken_ = {};
  any_ = false;
  while (kept && (connection_ = place_.take_idle())) {
    // What a server sends unasked is an end, or nothing that this client could make sense of.
    std::array<char, 1> unasked{};
    if (connection_->over.read_some(unasked, deadline(std::chrono::nanoseconds(0))).status == io_status::timeout) {
      kept_ = true;
      place_.count_reused();
      return;
    }
    place_.count_stale();
  }
  kept_ = false;
  phase_ = phase::connecting;
  place_.make_room();
  connection_ = connect();
  place_.count_made();
}

std::unique_ptr<client_connection> client_exchange::connect() {
  const deadline limit = std::min(limit_, deadline(core_->options.connect_limit));
  try {
    stream over = core_->options.dial ? core_->options.dial(to_, limit) : dial(to_.endpoint(), limit);
    if (to_.is_https()) over = begin_tls(std::move(over), limit);
    return std::make_unique<client_connection>(std::move(over), for_reader(core_->options.limits));
  } catch (const tls_error& e) {
    fail(error_kind::tls, e.what(), "A CA of your own goes into client_options::tls.");
  } catch (const net::error& e) {
    if (limit_.expired()) fail_late();
    const auto has = [&e](dns_errc kind) { return e.code() == make_error_code(kind); };
    if (has(dns_errc::no_such_name) || has(dns_errc::no_address) || has(dns_errc::not_a_name))
      fail(error_kind::name, e.what(), "Look at the host's name.");
    fail(error_kind::connect, e.what(), "Look at host and port, and whether a server listens there.");
  }
}

stream client_exchange::begin_tls(stream over, deadline limit) {
  phase_ = phase::handshake;
  const tls_client* const with = core_->tls_in_time(limit);
  if (with == nullptr) fail_late();
  std::string_view host = to_.host();
  if (host.ends_with('.')) host.remove_suffix(1);  // certificates have names without it
  return start_tls(std::move(over), *with, host, limit);
}

client_exchange::outcome client_exchange::send(const request& r) {
  phase_ = phase::sending;
  std::string head;
  write_head(head, r, r.body.empty() ? body_plan::none() : body_plan::length(r.body.size()));
  connection_->in.expect(r.method);
  broken_ = connection_->over.write_all({head, r.body}, limit_);
  may_repeat_ = is_idempotent(r.method) || broken_.bytes == 0;
  if (broken_.status == io_status::timeout || broken_.status == io_status::closed) fail_gone("");
  if (broken_.status == io_status::reset && broken_.bytes == 0 && kept_) return outcome::gone;
  // After another reset, too, there may be a response: a server that does not want all of a body says so, and closes.
  return outcome::response;
}

bool client_exchange::fill() {
  // Bytes that are there are read without a wait, which alone would hear these: so a server that is faster than this
  // side outlasts neither a cancel nor the deadline.
  weir::internal::closed_or_cancelled("read");
  if (limit_.expired()) fail_late();
  const io_result r = connection_->over.read_some(connection_->in.room(), limit_);
  connection_->in.filled(r.bytes);
  any_ = any_ || r.bytes > 0;
  if (r) return true;
  broken_ = r;
  if (r.status == io_status::end) connection_->in.ended();
  return false;
}

client_exchange::outcome client_exchange::await_head() {
  phase_ = phase::head;
  int interim = 0;
  for (;;) {
    switch (connection_->in.next()) {
      case input::more:
        if (broken_.status != io_status::end && (fill() || (any_ && broken_.status == io_status::end))) break;
        if (broken_.status == io_status::timeout || broken_.status == io_status::closed) fail_gone("");
        if (!any_ && kept_ && may_repeat_) return outcome::gone;
        fail_gone(reason_of_end(broken_) + (any_ ? " in the middle of the head" : " without a response"));
      case input::head:
        if (!is_informational(connection_->in.head().status)) {
          head_ = connection_->in.take_head();
          keeps_ = head_.keeps_alive();
          return outcome::response;
        }
        if (connection_->in.head().status == status::switching_protocols || ++interim > most_interim)
          fail(error_kind::protocol, fmt::format("the server answers {}", code_of(connection_->in.head().status)),
               "Nobody asked for that; tell who runs the server.");
        break;
      case input::body:
      case input::end:
        break;  // of an interim response
      case input::failed:
        fail_refused();
    }
  }
}

void client_exchange::choose_decoder() {
  if (!inflates_) return;
  std::string said;
  for (const std::string_view value : head_.headers.all("Content-Encoding"))
    said.append(said.empty() ? "" : ", ").append(value);
  const auto coding = coding_of(said);
  const bool has_body = connection_->in.body_length() != std::uint64_t{0};
  if (!coding && has_body)
    fail(error_kind::coding, fmt::format("the body comes as {}", printable(said)),
         "Give a header Accept-Encoding of your own, and decode it.");
  if (!coding || *coding == content_coding::identity || !has_body) return;
  decoder_.emplace(*coding, core_->options.inflate);
  head_.headers.erase("Content-Encoding");
  head_.headers.erase("Content-Length");
}

std::string_view client_exchange::next_piece() {
  for (;;) {
    switch (connection_->in.next()) {
      case input::more:
        if (fill() || broken_.status == io_status::end) break;
        fail_gone(fmt::format("{} after {} bytes of the body", reason_of_end(broken_), received_));
      case input::body:
        received_ += connection_->in.piece().size();
        return connection_->in.piece();
      case input::end:
        finish();
        return {};
      case input::failed:
        if (connection_->in.failure().broken == rule::cut_off)
          fail_gone(fmt::format("{} after {} bytes of the body", reason_of_end(broken_), received_));
        fail_refused();
      case input::head:
        fail(error_kind::protocol, "a second response", "Tell who runs the server.");
    }
  }
}

void client_exchange::finish() {
  whole_ = true;
  const bool both_keep = keeps_ && !asked_to_close_ && broken_.status == io_status::ok;
  if (both_keep && connection_->in.at_boundary()) {
    connection_->in.next();  // `more`, and the reader gives back what a body has made it take
    place_.give_back(std::move(connection_));
  }
  connection_.reset();
  place_.reset();
}

std::size_t client_exchange::read_some(mutable_buffer into) {
  for (;;) {
    if (piece_.empty() && !whole_ && !more_decoded_) piece_ = next_piece();
    if (!decoder_) {
      const std::size_t n = std::min(piece_.size(), into.size());
      std::copy_n(reinterpret_cast<const std::byte*>(piece_.data()), n, into.data());
      piece_.remove_prefix(n);
      return n;
    }
    const auto step = decoder_->decode(piece_, into);
    piece_.remove_prefix(step.consumed);
    more_decoded_ = step.produced == into.size();
    decode_status status = step.status;
    if (step.produced == 0 && whole_ && status == decode_status::more) status = decoder_->finish();
    if (status == decode_status::damaged)
      fail(error_kind::coding, "the body is damaged, or not what Content-Encoding says", "Tell who runs the server.");
    if (status == decode_status::too_long || status == decode_status::too_dense)
      fail(error_kind::too_large,
           fmt::format("{} bytes of the body become {}", decoder_->consumed(), decoder_->produced()),
           "A larger client_options::inflate would take it.");
    if (step.produced > 0 || whole_) return step.produced;
  }
}

void client_exchange::fail_too_large(std::uint64_t size, std::uint64_t most) const {
  fail(error_kind::too_large, fmt::format("a body of {} bytes or more, where {} are taken", size, most),
       "A larger client_options::limits.body would take it; open() reads it piece by piece.");
}

std::string client_exchange::read_all(std::uint64_t most) {
  if (decoder_) return read_all_coded(most);
  const std::uint64_t said = connection_ ? connection_->in.body_length().value_or(0) : 0;
  if (said > most) fail_too_large(said, most);
  // What a server says costs no more than this; beyond it memory grows with what has come.
  constexpr std::uint64_t ahead = 64 * 1024;
  std::string all;
  all.reserve(static_cast<std::size_t>(std::min(said, ahead)));
  for (std::string_view piece = std::exchange(piece_, {});; piece = next_piece()) {
    if (piece.size() > most - all.size()) fail_too_large(all.size() + piece.size(), most);
    all += piece;
    if (whole_) return all;
  }
}

std::string client_exchange::read_all_coded(std::uint64_t most) {
  constexpr std::size_t step = 16 * 1024;
  std::string all;
  for (;;) {
    const std::size_t had = all.size();
    all.resize(had + step);
    const std::size_t n = read_some(mutable_buffer(all.data() + had, step));
    all.resize(had + n);
    if (n == 0) return all;
    if (all.size() > most) fail_too_large(all.size(), most);
  }
}

void client_exchange::skip_body() {
  decoder_.reset();
  limit_ = std::min(limit_, deadline(skipped_in));
  const bool is_much = connection_ && connection_->in.body_length().value_or(0) > skipped_at_most;
  try {
    while (!whole_ && !is_much && received_ <= skipped_at_most) next_piece();
  } catch (const error&) {
    // The response that counts is another one.
  }
  connection_.reset();
  place_.reset();
}

}  // namespace weir::net::http::internal
