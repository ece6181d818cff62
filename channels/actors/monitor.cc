#include "weir/channels/actors/monitor.h"

#include <fmt/core.h>

#include <utility>

#include "weir/runtime/internal/interrupt.h"

namespace weir {

std::optional<exit_notice> monitor::recv() {
  recv_result<exit_notice> next = recv(deadline::never());
  if (!next) return {};
  return std::move(*next);
}

recv_result<exit_notice> monitor::recv(deadline limit) {
  internal::spend_operation();
  if (ended_.left() == 0) {
    internal::closed_or_cancelled("monitor");
    return {recv_status::closed, {}};
  }
  const std::optional<internal::exit_queue::ended> next = ended_.pop(limit);
  if (!next) return {recv_status::timeout, {}};
  return {recv_status::ok, internal::notice_of(*next->actor)};
}

recv_result<exit_notice> monitor::try_recv() {
  internal::spend_operation();
  if (ended_.left() == 0) return {recv_status::closed, {}};
  const std::optional<internal::exit_queue::ended> next = ended_.try_pop();
  if (!next) return {recv_status::empty, {}};
  return {recv_status::ok, internal::notice_of(*next->actor)};
}

namespace internal {

bool any_exit_case::try_now() {
  by_close = ended_.left() == 0;
  if (!by_close) taken_ = ended_.try_pop();
  return by_close || taken_;
}

select_case::enrolled any_exit_case::enroll(wait_node& node) {
  if (ended_.enlist(node)) return enrolled::waiting;
  if (!node.owner->word().claim_self(node.epoch)) return enrolled::lost;
  taken_ = ended_.try_pop();
  return enrolled::done;
}

std::optional<exit_notice> any_exit_case::notice() {
  const std::optional<exit_queue::ended> taken = std::exchange(taken_, {});
  if (!taken) return {};
  return notice_of(*taken->actor);
}

std::string any_exit_case::describe() const { return fmt::format("exit of {} watched actors", ended_.left()); }

}  // namespace internal
}  // namespace weir
