// The names of a hosts file (hosts(5)): "127.0.0.1 localhost other # comment".
//
// Thread-safety: immutable once made.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/net/address.h"

namespace weir::net::internal {

class hosts_file {
 public:
  hosts_file() = default;
  // Lines that make no sense are left out, as the C library does.
  explicit hosts_file(std::string_view content);

  // The addresses, with port 0, in the file's order; null if it does not say. `name` is in lower case.
  const std::vector<address>* find(const std::string& name) const;
  std::size_t size() const noexcept { return names_.size(); }

 private:
  std::unordered_map<std::string, std::vector<address>> names_;
};

}  // namespace weir::net::internal
