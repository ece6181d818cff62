#include "weir/net/http/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "weir/net/http/internal/connection.h"
#include "weir/net/http/status_error.h"
#include "weir/net/http/violation.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::http {
namespace {

[[noreturn]] void refuse(const char* call, const char* rule, const std::string& value, const char* remedy, site where) {
  weir::internal::throw_misuse(call, rule, value, remedy, where);
}

}  // namespace

const std::string& exchange::parameter(std::string_view name, site where) const {
  const auto at = std::find_if(parameters_.begin(), parameters_.end(), [&](const auto& p) { return p.first == name; });
  if (at == parameters_.end())
    refuse("exchange::parameter", "the route's pattern must have a parameter of that name", printable(name),
           "Write {name} in router::on.", where);
  return at->second;
}

std::string exchange::peer() const { return over_.stream().name(); }
bool exchange::draining() const noexcept { return over_.of().draining.is_set(); }

std::string_view exchange::read_some() { return over_.read_piece(state_ != state::fresh); }

std::string exchange::read_body(std::size_t most) {
  const auto too_large = [most] {
    return status_error(status::content_too_large,
                        fmt::format("HTTP: a body must not exceed {} octets here. Send less, or in parts.", most));
  };
  if (over_.body_left().value_or(0) > most) throw too_large();  // and nobody is told to send it
  std::string all;
  for (;;) {
    const std::string_view piece = read_some();
    if (piece.empty()) return all;
    if (piece.size() > most - all.size()) throw too_large();
    all += piece;
  }
}

void exchange::fresh_only(const char* call, site where) const {
  if (state_ != state::fresh)
    refuse(call, "a request has one answer", "a second one", "See exchange::answered().", where);
}

void exchange::final_only(const char* call, http::status s, site where) const {
  fresh_only(call, where);
  if (is_informational(s))
    refuse(call, "an answer must have a status from 200 on", std::to_string(code_of(s)),
           "100 is sent by itself; for 101 see exchange::upgrade().", where);
}

void exchange::respond(const response& r, site where) {
  final_only("exchange::respond", r.status, where);
  const bool empty = r.body.empty(), silent = request_.method == method::head || has_no_body(r.status);
  if (over_.body_left().value_or(0) > over_.of().options.discarded) over_.last();  // what is left would not be read
  over_.write_head(request_, r, empty ? body_plan::none() : body_plan::length(r.body.size()), where);
  state_ = state::finished;
  if (silent || empty) return over_.flush_if_much();
  constexpr std::size_t copied = 16 * 1024;
  if (r.body.size() > copied) return over_.flush({r.body});
  over_.append(r.body);
  over_.flush_if_much();
}

void exchange::respond(http::status s, std::string_view body, std::string_view type, site where) {
  response r{.status = s, .body = std::string(body)};
  if (!body.empty()) r.headers.add("Content-Type", type, where);
  respond(r, where);
}

void exchange::begin(const response& head, std::optional<std::uint64_t> length, site where) {
  final_only("exchange::begin", head.status, where);
  if (!head.body.empty())
    refuse("exchange::begin", "an answer in pieces must begin with an empty body",
           fmt::format("{} octets", head.body.size()), "Give it to write(), or the whole to respond().", where);
  const bool none = has_no_body(head.status);
  const body_plan plan = none                                    ? body_plan::none()
                         : length                                ? body_plan::length(*length)
                         : request_.version == version::http_1_1 ? body_plan::chunked()
                                                                 : body_plan::until_end();
  over_.go_on();  // it cannot be told behind the head, and who answers in pieces may read in pieces
  over_.write_head(request_, head, plan, where);
  state_ = state::begun;
  chunked_ = plan.how() == body_plan::kind::chunked;
  until_end_ = plan.how() == body_plan::kind::until_end;
  missing_ = plan.octets();
}

void exchange::write(std::string_view piece, site where) {
  if (state_ != state::begun)
    refuse("exchange::write", "an answer in pieces must have begun and not be finished",
           state_ == state::fresh ? "no begin()" : "the answer is whole", "Call begin() first.", where);
  if (!chunked_ && !until_end_) {
    if (piece.size() > missing_)
      refuse("exchange::write", "an answer must not have more octets than begin() has said",
             fmt::format("{} where {} are missing", piece.size(), missing_), "Leave the length out.", where);
    missing_ -= piece.size();
  }
  if (piece.empty() || request_.method == method::head) return over_.flush();
  if (!chunked_) return over_.flush({piece});
  write_chunk_line(over_.out(), piece.size());
  over_.flush({piece, "\r\n"});
}

void exchange::finish(site where) {
  if (state_ == state::finished) return;
  if (state_ != state::begun)
    refuse("exchange::finish", "an answer in pieces must have begun", "no begin()", "Call begin() first.", where);
  if (missing_ > 0 && request_.method != method::head)
    refuse("exchange::finish", "an answer must have as many octets as begin() has said",
           fmt::format("{} are missing", missing_), "Write them, or leave the length out.", where);
  state_ = state::finished;
  if (chunked_ && request_.method != method::head) write_last_chunk(over_.out());
  over_.flush_if_much();
}

upgraded exchange::upgrade(const response& head, site where) {
  fresh_only("exchange::upgrade", where);
  if (request_.version != version::http_1_1 || !request_.headers.contains("Upgrade") ||
      !request_.headers.has_token("Connection", "upgrade"))
    throw status_error(status::bad_request,
                       "HTTP: who wants another protocol must say so in HTTP/1.1 (RFC 9110, 7.8). Send Upgrade, and "
                       "Connection: Upgrade.");
  while (!read_some().empty()) {
  }
  response switching = head;
  switching.status = status::switching_protocols;
  over_.write_head(request_, switching, body_plan::none(), where);
  state_ = state::upgraded;
  std::string unread = over_.give_up();
  return {over_.stream().share(where), std::move(unread)};
}

}  // namespace weir::net::http
