// weir::net::zmtp::command: a frame for the protocol itself: a name and data.
//   write_command                 appends the frame
//   read_command                  splits its body
//   ping_data, read_ping, ...     the data of those that have some
//
// Thread-safety: values. Origin: RFC 37, Formal Grammar, Commands, Connection Heartbeating; RFC 24 (HELLO). The prose
// of RFC 37 puts a null octet behind the name; its grammar and every implementation put the name's length before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/net/zmtp/violation.h"

namespace weir::net::zmtp {

struct command {
  std::string_view name, data;  // of the body it was read from
};

inline constexpr std::size_t most_ping_context = 16;

// Appends the frame of a command. REQUIRES: name has 1 to 255 letters.
void write_command(std::string& out, std::string_view name, std::string_view data);

// `offset`: of the body in the connection. False: `failure` says why.
bool read_command(std::string_view body, std::uint64_t offset, command& into, violation& failure);

// The data of PING. `ttl`: in tenths of a second. REQUIRES: context has at most 16 octets.
std::string ping_data(std::uint16_t ttl, std::string_view context);
bool read_ping(std::string_view data, std::uint64_t offset, std::uint16_t& ttl, std::string_view& context,
               violation& failure);

// The data of ERROR, of the first 255 octets of `reason`.
std::string error_data(std::string_view reason);
bool read_error(std::string_view data, std::uint64_t offset, std::string_view& reason, violation& failure);

// The data of HELLO. REQUIRES: both have at most 255 octets.
std::string hello_data(std::string_view username, std::string_view password);
bool read_hello(std::string_view data, std::uint64_t offset, std::string_view& username, std::string_view& password,
                violation& failure);

}  // namespace weir::net::zmtp
