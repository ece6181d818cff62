#include "weir/net/http/internal/connection.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <utility>

#include "weir/channels/select.h"
#include "weir/channels/sync_cases.h"
#include "weir/net/error.h"
#include "weir/net/http/status_error.h"
#include "weir/net/on_stream.h"
#include "weir/runtime/base/clock.h"

namespace weir::net::http::internal {
namespace {

constexpr std::size_t much = 64 * 1024;      // is not gathered further
constexpr std::size_t idle_room = 4 * 1024;  // is kept between requests: a connection may be idle for long
constexpr std::size_t slice = 256 * 1024;    // what write_pause is for: a long answer takes as long as it takes

}  // namespace

connection::connection(server_core& of, net::stream s) : of_(of), stream_(std::move(s)), in_(of.options.limits) {
  count(of_.connections), count(of_.open);
}
connection::~connection() { of_.open.fetch_sub(1, std::memory_order_relaxed); }

bool connection::read(deadline limit, io_result& how) {
  how = stream_.read_some(in_.room(), limit);
  in_.filled(how.bytes);
  if (how.status == io_status::end) return in_.ended(), true;
  if (how.status == io_status::timeout) count(of_.late);
  return static_cast<bool>(how);
}

connection::wake connection::await_bytes(std::chrono::nanoseconds limit) {
  wake by = wake::readable;
  select(on_readable(stream_, [&] { by = wake::readable; }).priority(0),
         on_set(of_.draining, [&] { by = wake::drained; }).priority(1),
         after(limit, [&] { by = wake::late; }).priority(1));
  return by;
}

bool connection::await_head() {
  deadline limit = of_.options.head_time;
  bool started = first_ || in_.in_message();
  for (;;) {
    switch (in_.next()) {
      case input::head:
        first_ = false;
        count(of_.requests);
        return true;
      case input::failed:
        count(of_.refused);
        refuse(in_.failure().answer(), in_.failure().text());
        return false;
      default:
        break;
    }
    flush();
    if (in_.at_boundary()) {
      if (out_.capacity() > idle_room) std::string().swap(out_);
      const wake by = await_bytes(first_ ? of_.options.head_time : of_.options.idle_time);
      if (by == wake::late) count(of_.late);
      if (by != wake::readable) return false;
    }
    if (!std::exchange(started, true)) limit = of_.options.head_time;
    io_result how;
    if (!read(limit, how)) {
      gone_ = how.status != io_status::timeout;
      if (how.status == io_status::timeout && in_.in_message())
        refuse(status::request_timeout,
               "HTTP: a head must be whole in the time that this side gives it "
               "(server_options::head_time). Send it at once.");
      return false;
    }
    if (how.status == io_status::end && in_.at_boundary()) return false;
  }
}

void connection::refuse(http::status s, const std::string& text) {
  keep_ = false;
  response r{.status = s, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}};
  write_head({}, r, body_plan::length(text.size() + 1), site::current());
  append(text), append("\n");
}

request connection::take_head() {
  request asked = in_.take_head();
  keep_ = asked.keeps_alive();
  body_done_ = in_.body_length() == 0u;
  must_continue_ = in_.expects_continue() && !body_done_;
  if (body_done_) (void)in_.next();  // its end
  patience_ = of_.options.read_pause;
  return asked;
}

void connection::go_on() {
  if (std::exchange(must_continue_, false)) append("HTTP/1.1 100 Continue\r\n\r\n");
}

std::string_view connection::read_piece(bool answered) {
  if (body_done_) return {};
  if (must_continue_ && answered) return {};  // nothing will come
  throw_if_gone("read");
  go_on();
  for (;;) {
    switch (in_.next()) {
      case input::body:
        return in_.piece();
      case input::end:
        body_done_ = true;
        return {};
      case input::failed:
        keep_ = false;
        count(of_.refused);
        throw status_error(in_.failure().answer(), in_.failure().text());
      default:
        break;
    }
    flush();
    const auto since = weir::internal::now();
    io_result how;
    if (!read(patience_, how)) {
      if (how.status == io_status::timeout && patience_ < of_.options.read_pause) {
        keep_ = false;
        throw status_error(status::request_timeout,
                           "HTTP: a body must not come more slowly than this side allows (server_options::body_rate). "
                           "Send it without pauses.");
      }
      gone_ = true;
      stream_.expect("read", how);  // throws
    }
    account(weir::internal::now() - since, how.bytes);
  }
}

void connection::account(std::chrono::nanoseconds waited, std::size_t n) noexcept {
  const std::chrono::nanoseconds most = of_.options.read_pause, second = std::chrono::seconds(1);
  const std::uint32_t rate = of_.options.body_rate;
  patience_ = std::max(patience_ - waited, std::chrono::nanoseconds(0));
  patience_ += std::min(rate == 0 ? most : second / rate * static_cast<std::int64_t>(n), most - patience_);
}

bool connection::discard_body() {
  if (must_continue_) return false;  // who knows whether the client will send it
  std::size_t left = of_.options.discarded;
  const deadline limit = of_.options.read_pause;  // of all of it: nobody wants it
  while (keep_ && !body_done_) {
    switch (in_.next()) {
      case input::body:
        if (in_.piece().size() > left) return false;
        left -= in_.piece().size();
        break;
      case input::end:
        body_done_ = true;
        break;
      case input::failed:
        count(of_.refused);
        return false;
      default: {
        flush();
        io_result how;
        if (!read(limit, how)) return false;
      }
    }
  }
  return true;
}

void connection::write_head(const request& asked, const response& head, body_plan body, site where) {
  if (of_.draining.is_set() || must_continue_ || head.headers.has_token("Connection", "close")) keep_ = false;
  response full{.status = head.status, .reason = head.reason, .headers = head.headers};
  if (body.how() == body_plan::kind::until_end) keep_ = false;
  if (head.status != status::switching_protocols) {
    if (!keep_ && full.headers.has_token("Connection", "upgrade"))
      full.headers.add("Connection", "close");  // beside it: a 426 names the protocol with both (RFC 9110, 7.8)
    else if (!keep_)
      full.headers.set("Connection", "close");
    else if (asked.version == version::http_1_0)
      full.headers.set("Connection", "keep-alive");
  }
  if (!full.headers.contains("Date")) {
    const std::time_t now = std::time(nullptr);
    if (now != date_second_) date_ = fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(now)), date_second_ = now;
    full.headers.add("Date", date_);
  }
  http::write_head(out_, full, body, where);
  said_ = true;
}

void connection::flush(std::initializer_list<std::string_view> pieces) {
  const auto send = [&](std::string_view text) {
    while (!text.empty()) {
      const std::string_view part = text.substr(0, slice);
      const io_result how = stream_.write_all(const_buffer(part), of_.options.write_pause);
      if (!how) {
        if (how.status == io_status::timeout) count(of_.late);
        stream_.expect("write", how);  // throws
      }
      text.remove_prefix(part.size());
    }
  };
  std::size_t sum = out_.size();
  for (const std::string_view p : pieces) sum += p.size();
  throw_if_gone("write");
  if (sum == 0) return;
  const bool one_write = sum <= much;
  if (one_write)
    for (const std::string_view p : pieces) out_ += p;
  gone_ = true;  // until all of it is out: a scope's time limit may throw here, and a handler go on
  send(out_);
  if (!one_write)
    for (const std::string_view p : pieces) send(p);
  gone_ = false;
  if (out_.capacity() > 2 * much) std::string().swap(out_);
  out_.clear();
}

void connection::throw_if_gone(const char* operation) const {
  if (gone_) throw net::error(make_error_code(errc::closed), operation, stream_.name());
}

void connection::flush_if_much() {
  if (out_.size() >= much) flush();
}

std::string connection::give_up() {
  flush();
  given_up_ = true;
  return in_.take_unread();
}

// The client reads what was said, if it wants to: closing at once, with octets of the client unread, would be a reset,
// which may throw away what is under way.
void connection::end() {
  if (gone_ || given_up_) return;
  flush();
  const deadline limit = of_.options.linger_time;
  if (broken_ || !stream_.shutdown(limit) || !said_) return;
  std::array<char, 4096> thrown_away;
  while (stream_.read_some(thrown_away, limit) && !limit.expired()) {
  }
}

}  // namespace weir::net::http::internal
