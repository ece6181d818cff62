#include "weir/runtime/internal/runtime_core.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "weir/runtime/internal/futex.h"
#include "weir/runtime/internal/process.h"
#include "weir/runtime/internal/report.h"

namespace weir::internal {

runtime_core::runtime_core(runtime_settings settings, site where)
    : settings_(std::move(settings)),
      started_(now()),
      scheduler_(settings_.migrate),
      failures_(std::make_shared<failure_sink>(settings_.on_unhandled)),
      stacks_(new stack_pool(settings_.workers, settings_.first_guard, failures_)),
      root_(scope_node::kind::root, nullptr, where),
      blocking_(settings_.blocking_threads),
      watchdog_(*this) {
  for (int i = 0; i < settings_.workers; ++i) workers_.push_back(std::make_unique<worker>(*this, i));
  try {
    for (const auto& w : workers_) w->start();
    watchdog_.start();
    process_add(*this);
  } catch (...) {
    stop_threads();
    throw;
  }
}

void runtime_core::stop_threads() noexcept {
  blocking_.stop();
  watchdog_.stop();
  scheduler_.stop();
  for (const auto& w : workers_) w->join();
}

runtime_core::~runtime_core() {
  process_remove(*this);
  stop_threads();
  // Acquire pairs with the release in enqueue(): after zero, no foreign waker touches this runtime.
  while (wakers_in_flight_.load(std::memory_order_acquire) != 0) nap();
}

void runtime_core::drain() {
  root_.cancel();
  const time_point limit = deadline(settings_.grace).at();
  // Acquire pairs with actor_ended(): what the actors did comes before what follows their end.
  while (alive_.load(std::memory_order_acquire) != 0) {
    const std::uint32_t seen = ended_signal_.load(std::memory_order_acquire);
    if (alive_.load(std::memory_order_acquire) == 0) break;
    futex_wait(&ended_signal_, seen, limit);
    if (now() >= limit && alive_.load(std::memory_order_acquire) != 0) {
      fmt::print(
          stderr,
          "weir: {} actors still live {} ms after main returned and they were cancelled (runtime_options.grace); an "
          "actor that computes or blocks has to look at this_actor::check_cancel() now and then.\n",
          alive(), std::chrono::duration_cast<std::chrono::milliseconds>(settings_.grace).count());
      std::fflush(stderr);
      report_actors(*this, STDERR_FILENO);
      std::abort();
    }
  }
}

void runtime_core::enqueue(actor_core& a, scheduler::kind k) noexcept {
  worker* const here = current_worker_or_null();
  if (here != nullptr && &here->runtime() == this) {
    if (a.pinned() >= 0)
      scheduler_.push_pinned(worker_at(a.pinned()).seat(), a);
    else
      scheduler_.push_local(here->seat(), a, k);
    return;
  }
  // Raised before the push: until then the actor cannot run, so the runtime cannot end.
  wakers_in_flight_.fetch_add(1, std::memory_order_relaxed);
  if (a.pinned() >= 0)
    scheduler_.push_pinned(worker_at(a.pinned()).seat(), a);
  else
    scheduler_.push_foreign(a);
  wakers_in_flight_.fetch_sub(1, std::memory_order_release);
}

void runtime_core::requeue(actor_core& a, worker& w) noexcept {
  if (a.pinned() >= 0)
    scheduler_.push_pinned(w.seat(), a);
  else
    scheduler_.push_back(w.seat(), a);
}

std::string runtime_core::describe(const actor_core* a) noexcept {
  std::string text;
  root_.visit_below([&](scope_node& n) {
    if (n.type() == scope_node::kind::actor && n.host() == a)
      text =
          fmt::format("actor \"{}\" (#{}, spawned at {}:{})", a->name(), a->id(), a->where().base(), a->where().line);
  });
  return text;
}

void runtime_core::actor_ended() noexcept {
  if (alive_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  // On a worker of this runtime, which is joined before the runtime goes.
  ended_signal_.fetch_add(1, std::memory_order_release);
  futex_wake_all(&ended_signal_);
}

}  // namespace weir::internal
