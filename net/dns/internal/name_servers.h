// Whom to ask, and how: what every query starts from.
//
// Thread-safety: immutable once made.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "weir/net/address.h"

namespace weir::net::internal {

struct name_server_options {
  std::vector<address> servers;  // empty: those of the system (resolv.conf(5)), and its search list
  std::chrono::milliseconds timeout;
  int tries;
};

class name_servers {
 public:
  // Reads files: not on a worker. Throws net::error.
  explicit name_servers(const name_server_options& options);
  name_servers(const name_servers&) = delete;
  ~name_servers();

  struct settings;  // in c-ares' words
  const settings& get() const noexcept { return *settings_; }

 private:
  std::unique_ptr<settings> settings_;
};

}  // namespace weir::net::internal
