// weir::net::zmtp::property: what the peers tell each other about a connection at the end of the handshake.
//   write_property, read_metadata, find
//
// Thread-safety: values. Origin: RFC 37, The NULL Security Mechanism (grammar) and Connection Metadata.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/net/zmtp/violation.h"

namespace weir::net::zmtp {

struct property {
  std::string name;   // 1 to 255 letters, digits and - _ . +; upper or lower case does not matter
  std::string value;  // any bytes
};

// REQUIRES: as above.
void write_property(std::string& out, std::string_view name, std::string_view value);

// Appends the properties of `bytes`, at most `most` of them. `offset`: of bytes in the connection. False: `failure`
// says why. Allocates no more than what the bytes that are there fill.
bool read_metadata(std::string_view bytes, std::size_t most, std::uint64_t offset, std::vector<property>& into,
                   violation& failure);

// Null if there is none.
const property* find(const std::vector<property>& in, std::string_view name) noexcept;

// Whether both are the same but for upper and lower case.
bool same_name(std::string_view a, std::string_view b) noexcept;

// Whether a property may have that name.
bool is_property_name(std::string_view name) noexcept;

}  // namespace weir::net::zmtp
