#include "weir/net/http/internal/pursuit.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "weir/net/address.h"
#include "weir/net/http/internal/redirect.h"
#include "weir/net/http/internal/retry.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/this_actor.h"

namespace weir::net::http::internal {
namespace {

url parse(std::string_view to, method m) {
  try {
    return url::parse(to);
  } catch (const bad_url& e) {
    throw error(error_kind::bad_url, phase::preparing, std::string(name_of(m)), net::printable(to.substr(0, 200)),
                e.what(), "Write it as http://host/path or https://host/path.");
  }
}

void check(const fetch_options& o, site where) {
  const auto misuse = [&](const char* rule, const std::string& value, const char* remedy) {
    weir::internal::throw_misuse("http::client", rule, value, remedy, where);
  };
  if (o.retries < 0) misuse("retries must not be negative", std::to_string(o.retries), "0: none.");
  if (o.redirects < 0) misuse("redirects must not be negative", std::to_string(o.redirects), "0: none is followed.");
  for (const char* name : {"Host", "Content-Length", "Transfer-Encoding"})
    if (o.headers.contains(name))
      misuse("the client says itself to whom a request goes and how long it is", name, "Leave the header out.");
  if (o.method == method::connect) misuse("a request must be one for a resource", "CONNECT", "Use options.dial.");
}

}  // namespace

pursuit::pursuit(std::shared_ptr<client_core> core, std::string_view to, const fetch_options& options, site where)
    : core_(std::move(core)),
      at_(parse(to, options.method)),
      limit_(std::min(deadline(options.timeout), options.until)),
      retries_(options.retries),
      redirects_(options.redirects),
      https_to_http_(options.https_to_http) {
  check(options, where);
  request_.method = options.method;
  request_.target = at_.target();
  request_.headers.add("Host", at_.authority());
  for (const field& f : options.headers) request_.headers.add(f.name, f.value);
  for (const field& f : core_->options.headers)
    if (!options.headers.contains(f.name)) request_.headers.add(f.name, f.value);
  // Of a range of a coded body nobody could make anything.
  inflates_ = !request_.headers.contains("Accept-Encoding") && !request_.headers.contains("Range");
  if (inflates_) request_.headers.add("Accept-Encoding", accepted_codings);
  request_.body = options.body;
}

std::unique_ptr<client_exchange> pursuit::until_response() {
  for (;;) {
    std::unique_ptr<client_exchange> x;
    std::optional<error> failed;
    try {
      x = std::make_unique<client_exchange>(core_, at_, request_, inflates_, limit_);
    } catch (const error& e) {
      failed = e;
    }
    if (failed) {
      wait_after(*failed);
      continue;
    }
    if (may_retry(x->head(), request_.method) && retried_ < retries_) {
      const auto after = x->head().headers.get("Retry-After");
      const auto asked = after ? retry_after(*after, std::chrono::system_clock::now()) : std::nullopt;
      if (const auto until = next_retry(asked)) {
        x->skip_body();  // so that others have the connection meanwhile
        wait_for_retry(*until);
        continue;
      }
    }
    const auto target = redirects_ > 0 ? redirect_target(x->head()) : std::nullopt;
    if (!target) return x;
    follow(*x, *target);
    x->skip_body();
  }
}

void pursuit::wait_after(const error& failed) {
  const auto until = may_retry(failed, request_.method) ? next_retry({}) : std::nullopt;
  if (!until) throw error(failed);
  wait_for_retry(*until);
}

std::optional<deadline> pursuit::next_retry(std::optional<std::chrono::seconds> asked) const {
  if (retried_ >= retries_) return {};
  // Each as it is: a far date has more nanoseconds than there are.
  const deadline until = asked ? deadline(*asked) : deadline(backoff(core_->options.backoff, retried_ + 1));
  if (until >= limit_) return {};
  return until;
}

void pursuit::wait_for_retry(deadline until) {
  ++retried_;
  this_actor::sleep(until);
}

void pursuit::follow(const client_exchange& x, std::string_view location) {
  if (redirected_ >= redirects_)
    x.fail(error_kind::redirect,
           fmt::format("redirected {} times, and to {} now", redirected_, net::printable(location)),
           "Raise fetch_options::redirects if that is as it should be.");
  std::optional<url> to;
  std::string why;
  try {
    to = at_.resolve(location);
  } catch (const bad_url& e) {
    why = e.what();
  }
  if (!to) x.fail(error_kind::bad_url, "redirected to nowhere: " + why, "Tell who runs the server.");
  if (at_.is_https() && !to->is_https() && !https_to_http_)
    x.fail(error_kind::redirect, fmt::format("redirected from https to {}", to->text()),
           "Set fetch_options::https_to_http if whoever sits between may read and change it.");
  const auto name = [this](const url& u) {
    return fmt::format("{} {}{}", name_of(request_.method), u.origin(), u.target());
  };
  visited_.insert(name(at_));
  const status s = x.head().status;
  redirect(request_, s, at_, *to);
  if (visited_.contains(name(*to)))
    x.fail(error_kind::redirect, fmt::format("redirected in a circle: to {} again", to->text()),
           "Tell who runs the server; it may want a cookie, which this client does not keep.");
  at_ = std::move(*to);
  ++redirected_;
}

fetched pursuit::told(client_exchange& x) const {
  fetched made;
  static_cast<response&>(made) = x.take_head();
  made.url = at_.text();
  made.redirects = redirected_;
  made.attempts = retried_ + 1;
  return made;
}

}  // namespace weir::net::http::internal
