// weir::net::zmtp::heartbeat: when to send PING, and when a peer counts as dead.
//   due(now)    what has to be done now
//   next()      when to ask again
//   heard, pinged, hold, go_on   what has happened
//
// Thread-safety: one thread at a time. It reads no clock.
//
// Origin: RFC 37, Connection Heartbeating. A peer is dead when nothing at all has come for `timeout` since a PING of
// ours, or nothing for the time to live that a PING of the peer asked for. PING goes out at each interval, whatever
// else is sent, as the peer may count on our time to live; but no more than most_unanswered while nothing comes and
// this side reads: where they do not get through they would only pile up. A peer of ZMTP 3.0 does not know PING: then
// there are none.
#pragma once

#include <chrono>
#include <cstdint>

#include "weir/net/zmtp/greeting.h"
#include "weir/runtime/base/site.h"

namespace weir::net::zmtp {

struct heartbeat_options {
  std::chrono::milliseconds interval{0};  // between our PINGs; 0: none
  std::chrono::milliseconds timeout{0};   // 0: as interval
  // What our PING asks of the peer; 0: nothing. At most 65 s is sent: libzmq keeps it in 16 bits of milliseconds. What
  // is sent may not be less than interval, or the peer would end a connection that is in order.
  std::chrono::milliseconds ttl{0};
};

class heartbeat {
 public:
  using time = std::chrono::steady_clock::time_point;
  enum class action : std::uint8_t { none, ping, dead };

  static constexpr int most_unanswered = 10;

  // Throws misuse if options.ttl is less than options.interval.
  heartbeat(const heartbeat_options& options, protocol_version spoken, time now, site where = site::current());

  // Each `ping` is told once: then PING has to be sent.
  action due(time now);
  // The earliest time at which due() may say something; time::max(): none.
  time next() const noexcept;

  // Bytes have come: anything counts.
  void heard() noexcept;
  // A PING has come, after the heard() for its bytes; `ttl` in tenths of a second. The next heard() ends it.
  void pinged(std::uint16_t ttl, time now) noexcept;

  // This side does not read for a while (back-pressure), so that the peer cannot be heard; and reads again.
  void hold() noexcept { held_ = true; }
  void go_on(time now) noexcept;

  // For our PING, in tenths of a second.
  std::uint16_t ttl() const noexcept { return ttl_; }

 private:
  std::chrono::milliseconds interval_, timeout_;
  std::uint16_t ttl_ = 0;
  time ping_at_ = time::max();    // our next PING
  time answer_by_ = time::max();  // one is out, and something has to come by then
  time heard_by_ = time::max();   // the peer asked for that
  std::chrono::milliseconds peer_ttl_{0};
  bool held_ = false;
  int unanswered_ = 0;  // PINGs since something came
};

}  // namespace weir::net::zmtp
