#include "weir/net/dns/dial.h"

#include <vector>

#include "weir/net/address.h"
#include "weir/net/dns/resolver.h"
#include "weir/net/endpoint.h"

namespace weir::net {

tcp_stream dial(std::string_view to, deadline limit, const tcp_connect_options& options) {
  const endpoint e = endpoint::parse(to);
  if (e.over != transport::tcp || e.numeric()) return tcp_connect(to, limit, options);  // which knows what it refuses
  const std::vector<address> all = resolve(e.host, e.port, limit);
  return tcp_connect(all, limit, options);
}

}  // namespace weir::net
