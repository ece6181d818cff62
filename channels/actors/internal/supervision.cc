#include "weir/channels/actors/internal/supervision.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "weir/channels/actors/on_exit.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/clock.h"

namespace weir::internal {

supervision::child* supervision::find(std::string_view name) const noexcept {
  for (const auto& c : children_)
    if (c->spec.name == name) return c.get();
  return nullptr;
}

void supervision::add(child_spec spec) {
  children_.push_back(std::make_unique<child>(child{std::move(spec), {}, {}, false}));
}

bool supervision::any_runs() const noexcept {
  return std::any_of(children_.begin(), children_.end(), [](const auto& c) { return static_cast<bool>(c->actor); });
}

void supervision::start_from(std::size_t first) { start_range(first, children_.size()); }

void supervision::start_range(std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last && !shutdown_.is_set();) {
    child& c = *children_[i];
    if (c.actor || start(c)) {
      ++i;
      continue;
    }
    const exit_notice n = note_exit(c);
    if (!restarts_after(c, n)) {
      if (c.spec.kind == child_kind::temporary) {
        children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
        --last;
      } else {
        ++i;
      }
      continue;
    }
    count_restart(n);
    if (options_.strategy != restart_strategy::one_for_all) continue;
    stop_from(0);
    i = 0;
    last = children_.size();
  }
}

bool supervision::start(child& c) {
  c.life = std::make_shared<supervised>();
  auto function = [run = c.spec.run, life = c.life]() mutable { run(*life); };
  runtime_core& runtime = runtime_for_spawn(where_);
  c.actor =
      actor_ref<void>(make_actor(runtime, root_of(runtime), c.spec.name, std::move(function), c.spec.options, where_));
  exits_.watch(c.actor, where_);
  const bool again = std::exchange(c.started_before, true);
  if (again) counts_.restarts.fetch_add(1, std::memory_order_relaxed);
  emit(again ? supervisor_event::what::restarted : supervisor_event::what::started,
       {c.actor.id(), c.spec.name, {}, {}});
  if (!c.spec.awaits_ready) return true;
  return select(body_event_case(
                    c.life->ready_event(), "ready", [] { return true; }, where_),
                on_exit(
                    c.actor, [&] { return c.life->ready_event().is_set(); }, where_),
                body_event_case(
                    shutdown_, "shutdown", [] { return true; }, where_));
}

void supervision::stop(child& c) {
  if (!c.actor) return;
  c.life->stop_event().set();
  if (!c.spec.run.listens() || !c.actor.wait(c.spec.grace)) {
    c.actor.cancel();
    c.actor.wait();
  }
  note_exit(c);
}

void supervision::stop_from(std::size_t first) {
  for (std::size_t i = children_.size(); i-- > first;) {
    stop(*children_[i]);
    if (children_[i]->spec.kind == child_kind::temporary)
      children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void supervision::shut_down() {
  for (std::size_t i = children_.size(); i-- > 0;) stop(*children_[i]);
}

exit_notice supervision::note_exit(child& c) {
  exit_notice n = notice_of(c.actor.core("supervisor", where_));
  c.actor = {};
  c.life.reset();
  emit(supervisor_event::what::exited, n);
  return n;
}

bool supervision::restarts_after(const child& c, const exit_notice& n) noexcept {
  return c.spec.kind == child_kind::permanent || (c.spec.kind == child_kind::transient && n.how != exit_how::returned);
}

bool supervision::remove(std::string_view name) {
  child* const c = find(name);
  if (c == nullptr) return false;
  stop(*c);
  std::erase_if(children_, [c](const auto& other) { return other.get() == c; });
  return true;
}

bool supervision::kill(std::string_view name) {
  child* const c = find(name);
  if (c == nullptr || !c->actor) return false;
  c->actor.cancel();
  return true;
}

void supervision::ended(const exit_notice& notice) {
  const auto at = std::find_if(children_.begin(), children_.end(),
                               [&](const auto& c) { return c->actor && c->actor.id() == notice.id; });
  if (at == children_.end()) return;
  child& c = **at;
  note_exit(c);
  if (!restarts_after(c, notice)) {
    if (c.spec.kind == child_kind::temporary) children_.erase(at);
    return;
  }
  count_restart(notice);
  const auto index = static_cast<std::size_t>(at - children_.begin());
  switch (options_.strategy) {
    case restart_strategy::one_for_one:
      return start_range(index, index + 1);
    case restart_strategy::one_for_all:
      stop_from(0);
      return start_from(0);
    case restart_strategy::rest_for_one:
      stop_from(index + 1);
      return start_from(index);
  }
}

void supervision::count_restart(const exit_notice& cause) {
  const time_point at = now();
  while (!restarted_.empty() && at - restarted_.front() > options_.within) restarted_.pop_front();
  if (restarted_.size() < static_cast<std::size_t>(options_.restarts)) {
    restarted_.push_back(at);
    return;
  }
  emit(supervisor_event::what::gave_up, cause);
  throw supervisor_gave_up(
      fmt::format("supervisor \"{}\" gave up, as it may restart {} times within {} ms and its children need more; the "
                  "last was: {}",
                  name_, options_.restarts,
                  std::chrono::duration_cast<std::chrono::milliseconds>(options_.within).count(), to_string(cause)),
      cause.failure);
}

void supervision::emit(supervisor_event::what kind, const exit_notice& about) {
  if (!options_.events) return;
  if (options_.events.try_send({kind, about}) == send_status::full)
    counts_.events_lost.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace weir::internal
