// In which order the addresses of a name should be tried.
#pragma once

#include <vector>

#include "weir/net/address.h"

namespace weir::net::internal {

// Takes turns between the two families, IPv6 first (RFC 8305, section 4), each in the order it came in; a family that
// this machine has no route for comes last. Asks the kernel, and sends nothing.
std::vector<address> attempt_order(const std::vector<address>& v6, const std::vector<address>& v4);

// The same with what the kernel said.
std::vector<address> attempt_order(const std::vector<address>& v6, bool v6_reachable, const std::vector<address>& v4,
                                   bool v4_reachable);

}  // namespace weir::net::internal
