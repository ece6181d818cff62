#include "weir/net/zmtp/heartbeat.h"

#include <algorithm>
#include <string>

#include "weir/runtime/base/errors.h"

namespace weir::net::zmtp {

using std::chrono::milliseconds;

heartbeat::heartbeat(const heartbeat_options& options, protocol_version spoken, time now, site where)
    : interval_(spoken.has_commands() ? options.interval : milliseconds(0)),
      timeout_(options.timeout > milliseconds(0) ? options.timeout : options.interval) {
  const milliseconds ttl = std::clamp(options.ttl, milliseconds(0), milliseconds(65'000));
  if (ttl > milliseconds(0) && ttl < options.interval)
    weir::internal::throw_misuse("zmtp::heartbeat",
                                 "the time to live of a PING, at most 65 s, is not less than the interval",
                                 std::to_string(options.ttl.count()) + " ms with an interval of " +
                                     std::to_string(options.interval.count()) + " ms",
                                 "Send PING more often, or leave ttl 0.", where);
  // Rounded up: less than a tenth of a second would say "no limit".
  ttl_ = static_cast<std::uint16_t>((ttl.count() + 99) / 100);
  if (interval_ > milliseconds(0)) ping_at_ = now + interval_;
}

heartbeat::action heartbeat::due(time now) {
  if (!held_ && std::min(answer_by_, heard_by_) <= now) return action::dead;
  if (ping_at_ > now) return action::none;
  ping_at_ = now + interval_;
  if (answer_by_ == time::max()) answer_by_ = now + timeout_;
  // While this side does not read, answers may be waiting.
  if (held_) return action::ping;
  if (unanswered_ == most_unanswered) return action::none;
  ++unanswered_;
  return action::ping;
}

heartbeat::time heartbeat::next() const noexcept {
  return held_ ? ping_at_ : std::min({ping_at_, answer_by_, heard_by_});
}

void heartbeat::heard() noexcept {
  answer_by_ = heard_by_ = time::max();
  unanswered_ = 0;
}

void heartbeat::pinged(std::uint16_t ttl, time now) noexcept {
  peer_ttl_ = milliseconds(100 * ttl);
  heard_by_ = ttl == 0 ? time::max() : now + peer_ttl_;
}

void heartbeat::go_on(time now) noexcept {
  held_ = false;
  // What the peer sent meanwhile is still to be read.
  if (answer_by_ != time::max()) answer_by_ = now + timeout_;
  if (heard_by_ != time::max()) heard_by_ = now + peer_ttl_;
}

}  // namespace weir::net::zmtp
