// supervisor: starts actors in order, starts those again that end, and gives up when that does not help.
//   weir::supervisor workers({.strategy = weir::restart_strategy::one_for_one, .restarts = 3, .within = 5s});
//   workers.add({.name = "db", .run = [] { serve(); }});
//   s.spawn("workers", [&] { workers.run(); });
//
// Thread-safety: all of it; run() is called once. The object outlives run() and all calls.
//
// Origin: the supervisors of Erlang/OTP.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/channels/actors/child_spec.h"
#include "weir/channels/actors/supervisor_options.h"
#include "weir/runtime/base/site.h"

namespace weir {

class supervisor {
 public:
  // Throws misuse for options out of range.
  explicit supervisor(supervisor_options options = {}, site where = site::current());
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;
  ~supervisor();

  // Starts the children in order, and keeps them running, in the calling actor. Returns after shutdown(), or when no
  // child is left. Throws supervisor_gave_up, as the failure of whatever scope it runs in; weir::cancelled; what spawn
  // throws. In each case all children have ended by then: they are shut down in reverse order, each asked to stop, if
  // its function takes a supervised&, then given its grace, then cancelled, then waited for. A cancel of the supervisor
  // reaches its children in this way only. How children end on the way down only events tell. Misuse on a plain thread,
  // and for a second call.
  void run(site where = site::current());

  // Adds a child: the last one in order. While run() runs it is started, and the call parks until it is (ready, if it
  // is to be awaited); before that, run() starts it. A child that is not ready yet must not call it: the supervisor
  // waits for that child. False: run() has ended. Misuse if the name is empty or taken, or if there is no function. A
  // cancel throws weir::cancelled; the child may then be there or not.
  bool add(child_spec child, site where = site::current());
  // Shuts a child down and forgets it; parks until it has ended. False: there is none of that name, or run() has ended.
  bool remove(std::string_view name, site where = site::current());
  // Cancels a child as a failure would: its kind says whether it is started again. False: it does not run. Parks until
  // the supervisor comes to it, which may be after the shutdown of others.
  bool kill(std::string_view name, site where = site::current());
  // run() shuts all children down and returns. Returns at once. Idempotent.
  void shutdown() noexcept;

  // How often a child was started again by itself or with others, and events that found no room.
  std::uint64_t restarts() const noexcept;
  std::uint64_t events_lost() const noexcept;

 private:
  class state;
  std::unique_ptr<state> state_;
};

}  // namespace weir
