#include "weir/net/tls/tls_stream.h"

#include <utility>

#include "weir/net/tls/internal/failure.h"
#include "weir/net/tls/internal/tls_core.h"
#include "weir/runtime/base/errors.h"

namespace weir::net {
namespace {

using internal::tls_core;

// As it is told to the server and looked for in its certificate. OpenSSL takes an empty name for none to be verified,
// and one with a leading dot for any below it.
std::string_view checked(std::string_view host, bool verifies, site where) {
  using weir::internal::throw_misuse;
  const std::string_view name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  if (name.empty() && (verifies || !host.empty()))
    throw_misuse("start_tls", "a client says which host it wants", host.empty() ? "no host" : "a dot",
                 "Give the name (or address) that the server's certificate is to have.", where);
  if (name.starts_with('.') || name.find("..") != name.npos || name.find('\0') != name.npos || name.size() > 253)
    throw_misuse("start_tls", "a host's name has parts between its dots, and no NUL",
                 net::internal::printable(host, 300), "Give the name (or address) of one host, of at most 253 bytes.",
                 where);
  return name;
}

tls_stream begin(stream over, const std::shared_ptr<internal::tls_context>& with, std::string_view host, deadline limit,
                 site where) {
  auto* const core = new tls_core(std::move(over), with, host, where);
  tls_stream made(core);  // owns it, whatever comes
  core->handshake(limit);
  return made;
}

const tls_core& core_of(const stream& s, const char* call, site where) {
  return static_cast<const tls_core&>(s.core(call, where));
}

}  // namespace

tls_stream::tls_stream(tls_core* adopted) noexcept : stream(adopted) {}

const tls_agreement& tls_stream::agreed(site where) const { return core_of(*this, "agreed", where).agreed(); }
std::optional<tls_certificate> tls_stream::peer(site where) const { return core_of(*this, "peer", where).peer(); }
std::string tls_stream::why(site where) const { return core_of(*this, "why", where).why(); }

tls_stream start_tls(stream over, const tls_client& with, std::string_view host, deadline limit, site where) {
  host = checked(host, with.shared()->verifies, where);
  return begin(std::move(over), with.shared(), host, limit, where);
}

tls_stream start_tls(stream over, const tls_server& with, deadline limit, site where) {
  return begin(std::move(over), with.shared(), {}, limit, where);
}

}  // namespace weir::net
