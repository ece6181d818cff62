#include "weir/runtime/internal/runtime_core.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "weir/runtime/internal/futex.h"
#include "weir/runtime/internal/process.h"
#include "weir/runtime/internal/report.h"

namespace weir::internal {
namespace {

// How long a thread for blocking calls stays without one.
constexpr auto idle_thread_stays = std::chrono::seconds(10);

}  // namespace

runtime_core::runtime_core(runtime_settings settings, site where)
    : settings_(std::move(settings)),
      started_(now()),
      scheduler_(settings_.migrate),
      failures_(std::make_shared<failure_sink>(settings_.on_unhandled)),
      stacks_(new stack_pool(settings_.workers, settings_.first_guard, failures_)),
      root_(scope_node::kind::root, nullptr, where),
      blocking_(
          {.thread_name = "weir-blocking", .most_threads = settings_.blocking_threads, .linger = idle_thread_stays}),
      cpu_jobs_(std::make_shared<job_pool>(for_cpu_work(settings_.pool_threads, settings_.pool_bound))),
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
  cpu_jobs_->stop();
  watchdog_.stop();
  scheduler_.stop();
  for (const auto& w : workers_) w->join();
}

runtime_core::~runtime_core() {
  process_remove(*this);
  stop_threads();
  foreign_.wait_for_none();
}

void runtime_core::drain() {
  alive_.fetch_or(closed, std::memory_order_relaxed);
  root_.cancel();
  await_actors(weir::deadline(settings_.grace).at(), "main returned");
}

void runtime_core::set_deadlock(std::shared_ptr<const std::string> report) noexcept {
  report_ = std::move(report);
  deadlocked_.store(report_.get(), std::memory_order_release);  // pairs with deadlock()
}

void runtime_core::break_up() noexcept {
  root_.cancel();
  await_actors(weir::deadline(settings_.grace).at(), "their deadlock was found");
}

void runtime_core::await_actors(time_point limit, const char* after) noexcept {
  for (;;) {
    const std::uint32_t seen = ended_signal_.load(std::memory_order_acquire);
    // Acquire pairs with actor_ended(): what the actors did comes before what follows their end.
    if ((alive_.load(std::memory_order_acquire) & ~closed) == 0) break;
    futex_wait(&ended_signal_, seen, limit);
    if (now() >= limit && alive() != 0) {
      if (const std::string* const report = deadlock()) fmt::print(stderr, "weir: {}", *report);
      fmt::print(stderr,
                 "weir: {} actors still live {} ms after {} and they were cancelled (runtime_options.grace); an "
                 "actor that computes or blocks has to look at this_actor::check_cancel() now and then.\n",
                 alive(), std::chrono::duration_cast<std::chrono::milliseconds>(settings_.grace).count(), after);
      std::fflush(stderr);
      report_actors(*this, STDERR_FILENO);
      std::abort();
    }
  }
}

void runtime_core::enqueue(actor_core& a, scheduler::kind k) noexcept {
  worker* const here = current_worker_or_null();
  if (here != nullptr && &here->runtime() == this) {
    if (a.pinned() >= 0) return scheduler_.push_pinned(worker_at(a.pinned()).seat(), a);
    // One that parked before this worker last looked at the clock, some dozens of turns ago, is cold.
    if (k == scheduler::kind::woken && a.since() != here->recent_time()) fetch_frames(a.context());
    scheduler_.push_local(here->seat(), a, k);
    return;
  }
  if (forked()) abort_forked("wake", fmt::format("actor \"{}\" (#{})", a.name(), a.id()), a.where());
  foreign_.during([&] {
    if (a.pinned() >= 0)
      scheduler_.push_pinned(worker_at(a.pinned()).seat(), a);
    else
      scheduler_.push_foreign(a, job_pool::goes_on() ? scheduler::bell::by_round : scheduler::bell::at_once);
  });
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
    if (n.type() != scope_node::kind::actor || n.host() != a) return;
    try {
      text =
          fmt::format("actor \"{}\" (#{}, spawned at {}:{})", a->name(), a->id(), a->where().base(), a->where().line);
    } catch (const std::bad_alloc&) {
    }
  });
  return text;
}

bool runtime_core::is_running(const actor_core& a) const noexcept {
  return std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) { return w->running() == &a; });
}

void runtime_core::count_scoped(worker* own, std::ptrdiff_t change) noexcept {
  if (own != nullptr)
    own->count_scoped(change);
  else
    scoped_outside_.fetch_add(change, std::memory_order_relaxed);
}

bool runtime_core::admit(const scope_node& parent, worker* own) noexcept {
  if (!awaits_children_of(parent)) {
    count_scoped(own, 1);
    return true;
  }
  const bool inside = own != nullptr && own->running() != nullptr;  // alive itself, so the end waits
  // Relaxed: what the spawner did before is released by the new actor's enqueue().
  std::size_t seen = alive_.load(std::memory_order_relaxed);
  while (inside || (seen & closed) == 0)
    if (alive_.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) return true;
  return false;
}

void runtime_core::retract(const scope_node& parent, worker* own) noexcept {
  if (awaits_children_of(parent))
    foreign_.during([this] { actor_ended(); });
  else
    count_scoped(own, -1);
}

std::size_t runtime_core::alive() const noexcept {
  auto sum = static_cast<std::ptrdiff_t>(alive_.load(std::memory_order_relaxed) & ~closed) +
             scoped_outside_.load(std::memory_order_relaxed);
  for (const auto& w : workers_) sum += w->scoped();
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(sum, 0));
}

void runtime_core::actor_ended() noexcept {
  if ((alive_.fetch_sub(1, std::memory_order_acq_rel) & ~closed) != 1) return;
  // On a worker of this runtime, which is joined before the runtime goes, or by retract().
  ended_signal_.fetch_add(1, std::memory_order_release);
  futex_wake_all(&ended_signal_);
}

}  // namespace weir::internal
