// What a channel tells about itself at any moment.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace weir {

// The capacity that an unbounded channel reports.
inline constexpr std::size_t no_bound = std::numeric_limits<std::size_t>::max();

// All read at one moment, and stale at once.
struct channel_statistics {
  std::size_t length = 0;    // values in the buffer
  std::size_t capacity = 0;  // how many it may hold; 0: rendezvous, no_bound: unbounded
  std::size_t senders = 0;   // handles, permits among them
  std::size_t receivers = 0;
  std::size_t senders_waiting = 0;  // parked now: in send, send_many, reserve or select
  std::size_t receivers_waiting = 0;
  std::uint64_t passed = 0;  // values that receivers got
  // Who parked last on each side, in a select too: the actor's number, as dumps show it. 0: nobody yet, or a thread
  // that is no actor. It may have ended since.
  std::uint64_t last_sender = 0;
  std::uint64_t last_receiver = 0;
  // How long they were parked, all added up, waits that go on included. A select waits for several things and is not
  // counted. Counted from the first call of statistics() on this channel, or from the start with
  // channel_options::timed, because two looks at the clock would cost a hand-over more than the hand-over.
  std::chrono::nanoseconds senders_blocked{0};
  std::chrono::nanoseconds receivers_blocked{0};
};

}  // namespace weir
