#include "weir/net/zmtp/heartbeat.h"

#include <algorithm>

namespace weir::net::zmtp {

using std::chrono::milliseconds;

heartbeat::heartbeat(const heartbeat_options& options, protocol_version spoken, time now)
    : interval_(spoken.has_commands() ? options.interval : milliseconds(0)),
      timeout_(options.timeout > milliseconds(0) ? options.timeout : options.interval),
      ttl_(static_cast<std::uint16_t>(std::clamp(options.ttl, milliseconds(0), milliseconds(65'000)).count() / 100)) {
  // Rounded up: less than a tenth of a second would say "no limit".
  if (ttl_ == 0 && options.ttl > milliseconds(0)) ttl_ = 1;
  if (interval_ > milliseconds(0)) ping_at_ = now + interval_;
}

heartbeat::action heartbeat::due(time now) {
  if (!held_ && std::min(answer_by_, heard_by_) <= now) return action::dead;
  if (ping_at_ > now) return action::none;
  ping_at_ = now + interval_;
  if (answer_by_ == time::max()) answer_by_ = now + timeout_;
  return action::ping;
}

heartbeat::time heartbeat::next() const noexcept {
  return held_ ? ping_at_ : std::min({ping_at_, answer_by_, heard_by_});
}

void heartbeat::heard() noexcept { answer_by_ = heard_by_ = time::max(); }

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
