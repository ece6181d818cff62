// What is known of a name.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "weir/net/address.h"
#include "weir/net/dns/dns_error.h"

namespace weir::net::internal {

struct answer {
  std::vector<address> addresses;  // port 0, in the order in which they should be tried
  std::optional<dns_errc> failure = {};
  std::chrono::seconds good_for{0};
};

}  // namespace weir::net::internal
