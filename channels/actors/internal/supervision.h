// The children of a running supervisor: who runs, who is started again with whom, and when it is too often.
//
// Thread-safety: the supervisor's actor only.
//
// The children hang under the root of the runtime, not under the supervisor's scope: a failure must not cancel the
// siblings, and a cancel must reach them one by one, last first. So whoever made a supervision has to shut it down,
// in whatever way it ends.
//
// Invariants:
//  1. children_ is the order of the starts. A child runs exactly if its `actor` refers to one.
//  2. Each actor that was started is watched. A notice of an actor that no child has any more, because its end was
//     awaited here, is stale, and nobody's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/channels/actors/child_spec.h"
#include "weir/channels/actors/monitor.h"
#include "weir/channels/actors/supervisor_options.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/event.h"

namespace weir::internal {

// What others may read while it runs. Relaxed: they order nothing.
struct supervisor_counts {
  atomic<std::uint64_t> restarts{0};
  atomic<std::uint64_t> events_lost{0};
};

class supervision {
 public:
  // `shutdown`: once it is set, nothing more is started, and nobody's readiness awaited.
  supervision(const supervisor_options& options, std::string name, supervisor_counts& counts, event& shutdown,
              site where)
      : options_(options), name_(std::move(name)), counts_(counts), shutdown_(shutdown), where_(where), exits_(where) {}
  supervision(const supervision&) = delete;

  bool knows(std::string_view name) const noexcept { return find(name) != nullptr; }
  // Adds the last one, which does not run yet.
  void add(child_spec spec);
  // Starts all that do not run, in order, from the child `first` on; parks for those that are to be awaited.
  void start_from(std::size_t first);
  void start_last() { start_range(children_.size() - 1, children_.size()); }
  bool remove(std::string_view name);
  bool kill(std::string_view name);
  // Does what the strategy says; throws supervisor_gave_up.
  void ended(const exit_notice& notice);
  void shut_down();

  bool any_runs() const noexcept;
  monitor& exits() noexcept { return exits_; }

 private:
  struct child {
    child_spec spec;
    actor_ref<void> actor;
    std::shared_ptr<supervised> life;
    bool started_before = false;
  };

  child* find(std::string_view name) const noexcept;
  void start_range(std::size_t first, std::size_t last);
  // False: it ended before it was ready. A shutdown does not wait for that.
  bool start(child& c);
  void stop(child& c);
  // Shuts down those from `first` on, last first, and forgets the temporary ones.
  void stop_from(std::size_t first);
  exit_notice note_exit(child& c);
  static bool restarts_after(const child& c, const exit_notice& n) noexcept;
  void count_restart(const exit_notice& cause);
  void emit(supervisor_event::what kind, const exit_notice& about);

  const supervisor_options& options_;
  const std::string name_;
  supervisor_counts& counts_;
  event& shutdown_;
  const site where_;
  std::vector<std::unique_ptr<child>> children_;
  monitor exits_;
  std::deque<time_point> restarted_;  // within the last options_.within
};

}  // namespace weir::internal
