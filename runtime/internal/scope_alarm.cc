#include "weir/runtime/internal/scope_alarm.h"

#include "weir/runtime/internal/worker.h"

namespace weir::internal {

void scope_alarm::set(deadline at) noexcept {
  if (at.is_never()) return;
  if (at.expired()) {
    action_(target_);
    return;
  }
  armed_ = true;
  timer_.epoch = stand();
  current_worker().timers().insert(timer_, at.at());
}

void scope_alarm::disarm() noexcept {
  if (!armed_) return;
  armed_ = false;
  timer_.heap->remove(timer_);
  if (!take_back()) rung_.wait(plain_wait("wait", "a deadline that is being served"), interruptible::no);
}

void scope_alarm::ring(parker* self) noexcept {
  auto& alarm = *static_cast<scope_alarm*>(self);
  alarm.action_(alarm.target_);
  alarm.rung_.set();
}

}  // namespace weir::internal
