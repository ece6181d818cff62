#include "weir/net/http/client.h"

#include <optional>
#include <utility>

#include "weir/net/http/internal/client_core.h"
#include "weir/net/http/internal/client_exchange.h"
#include "weir/net/http/internal/pursuit.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::http {

incoming::incoming(std::unique_ptr<internal::client_exchange> from, fetched head)
    : from_(std::move(from)), head_(std::move(head)) {}
incoming::incoming(incoming&&) noexcept = default;
incoming& incoming::operator=(incoming&&) noexcept = default;
incoming::~incoming() = default;

std::size_t incoming::read_some(mutable_buffer into, site where) {
  if (into.empty())
    weir::internal::throw_misuse("http::incoming::read_some", "there must be room for a byte", "an empty buffer",
                                 "0 would mean that the body is whole.", where);
  if (!from_)
    weir::internal::throw_misuse("http::incoming::read_some", "a body that has failed cannot be read on", "", "",
                                 where);
  try {
    return from_->read_some(into);
  } catch (...) {
    from_.reset();  // the connection goes, and its place
    throw;
  }
}

std::string incoming::read_all(std::uint64_t most) {
  const std::unique_ptr<internal::client_exchange> from = std::move(from_);
  if (!from) weir::internal::throw_misuse("http::incoming::read_all", "a body is read once", "", "", site::current());
  return from->read_all(most);
}

client::client(client_options options, site where) {
  if (options.per_host < 1)
    weir::internal::throw_misuse("http::client", "per_host must be at least 1", std::to_string(options.per_host),
                                 "16 is the default.", where);
  core_ = std::make_shared<internal::client_core>(std::move(options));
}
client::~client() = default;

fetched client::fetch(std::string_view url, const fetch_options& options, site where) {
  internal::pursuit p(core_, url, options, where);
  for (;;) {
    auto x = p.until_response();
    fetched made = p.told(*x);
    std::optional<error> failed;
    try {
      made.body = x->read_all(x->body_limit());
      return made;
    } catch (const error& e) {
      failed = e;
    }
    x.reset();  // so that others have its place meanwhile
    p.wait_after(*failed);
  }
}

incoming client::open(std::string_view url, const fetch_options& options, site where) {
  internal::pursuit p(core_, url, options, where);
  auto x = p.until_response();
  fetched head = p.told(*x);
  return incoming(std::move(x), std::move(head));
}

void client::close_idle() { core_->pool.close_idle(); }

client::statistics client::stats() const {
  const auto c = core_->pool.count();
  return {.connected = c.made, .reused = c.reused, .stale = c.stale, .idle = c.idle};
}

fetched fetch(std::string_view url, const fetch_options& options, site where) {
  return client().fetch(url, options, where);
}

}  // namespace weir::net::http
