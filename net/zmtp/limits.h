// weir::net::zmtp::limits: what this side accepts of a peer; looked at before anything is allocated for it.
//
// Thread-safety: a value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::net::zmtp {

struct limits {
  // Octets of a message: those of all its frames, and sizeof(net::frame) for each but the last.
  std::uint64_t message = std::uint64_t{1} << 30;
  std::size_t frames = 1000;  // of a message
  // Octets of a command's body; more than most_command counts as that. By default it carries the longest topic.
  std::size_t command = most_command;
  std::size_t topic = most_topic;  // octets of a subscription, in whichever form; more than most_topic counts as that
  std::size_t properties = 64;     // of a peer's metadata
  // Bits 7 to 3 of a frame's flags: a violation, or ignored and counted, as libzmq does (without counting).
  bool reserved_flags_ignored = false;

  static constexpr std::size_t most_topic = 64 * 1024;
  static constexpr std::size_t most_command = most_topic + 16;  // SUBSCRIBE and its length are 10 octets
};

}  // namespace weir::net::zmtp
