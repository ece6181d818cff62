#include "weir/net/tls/tls_stream.h"

#include <utility>

#include "weir/net/tls/internal/tls_core.h"
#include "weir/runtime/base/errors.h"

namespace weir::net {
namespace {

using internal::tls_core;

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
  if (host.empty() && with.shared()->verifies)
    weir::internal::throw_misuse("start_tls", "a client says which host it wants", "no host",
                                 "Give the name (or address) that the server's certificate is to have.", where);
  return begin(std::move(over), with.shared(), host, limit, where);
}

tls_stream start_tls(stream over, const tls_server& with, deadline limit, site where) {
  return begin(std::move(over), with.shared(), {}, limit, where);
}

}  // namespace weir::net
