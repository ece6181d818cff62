#include "weir/net/dns/internal/attempt_order.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace weir::net::internal {
namespace {

// Whether there is a route: connect() of a datagram socket looks for one, and sends nothing.
bool reachable(const std::vector<address>& of) {
  if (of.empty()) return false;
  address at = of.front();
  at.set_port(53);  // any: zero is no port
  const int fd = socket(at.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bool found = connect(fd, at.data(), at.size()) == 0;
  close(fd);
  return found;
}

}  // namespace

std::vector<address> attempt_order(const std::vector<address>& v6, const std::vector<address>& v4) {
  return attempt_order(v6, reachable(v6), v4, reachable(v4));
}

std::vector<address> attempt_order(const std::vector<address>& v6, bool v6_reachable, const std::vector<address>& v4,
                                   bool v4_reachable) {
  std::vector<address> order;
  order.reserve(v6.size() + v4.size());
  if (v6_reachable == v4_reachable) {
    for (std::size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
      if (i < v6.size()) order.push_back(v6[i]);
      if (i < v4.size()) order.push_back(v4[i]);
    }
    return order;
  }
  const std::vector<address>& first = v6_reachable ? v6 : v4;
  const std::vector<address>& second = v6_reachable ? v4 : v6;
  order.insert(order.end(), first.begin(), first.end());
  order.insert(order.end(), second.begin(), second.end());
  return order;
}

}  // namespace weir::net::internal
