// name_servers in c-ares' words: for the files that call it.
#pragma once

#include <ares.h>

#include <vector>

#include "weir/net/dns/internal/name_servers.h"

namespace weir::net::internal {

struct name_servers::settings {
  settings() = default;
  settings(const settings&) = delete;
  ~settings() { ares_destroy_options(&options); }

  ares_options options{};  // all there are, so that a channel made from them reads no file
  int mask = 0;
  std::vector<ares_addr_port_node> servers;  // linked to each other
};

}  // namespace weir::net::internal
