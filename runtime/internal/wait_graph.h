// Who waits for whom: a picture of all blocked actors at a moment when nothing can run any more.
//
// Thread-safety: none. Taken while everything stands still (quiescence.h).
//
// Who holds a lock, who is joined, and whose actors a scope waits for is known. Who could send into a channel is not:
// handles are copied and moved without a trace, as a trace would cost every move. So the picture takes two hints. The
// channel remembers who was the last to park on each side. And the stacks of the blocked actors, their closures
// included, are looked through for the channel's handles: who has one there holds it, or has held it. What lies on the
// heap or on a plain thread's stack is not seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/wait_reason.h"

namespace weir::internal {

class process_hold;
class scope_node;

class wait_graph {
 public:
  // How sure it is that one could end the other's wait; a circle of sure edges is looked for first.
  enum class evidence : std::uint8_t {
    sure,      // it is known, or it has parked there and holds a handle
    parked,    // it was the last to park there
    holds,     // it holds a handle
    by_chance  // it holds a handle, but waits for other actors' ends, or is the waiter itself: perhaps an old copy
  };

  struct edge {
    std::size_t to;
    std::size_t target;  // index into the waiter's targets
    evidence how;
  };

  struct blocked {
    const parker* who;
    std::uint64_t id;
    std::string name;  // `parser`, or `actor` if it has none
    site spawned;
    const scope_node* scope;  // that it was spawned in
    bool parked;              // else it was claimed, but is not running: a wake was lost
    std::string verb, object;
    site where;
    std::vector<wait_target> targets;
    std::vector<const void*> holds;  // the handles on its stack: channel and mark; sorted
    std::vector<edge> edges;
  };

  // Throws std::bad_alloc.
  explicit wait_graph(process_hold& held);

  const std::vector<blocked>& actors() const noexcept { return actors_; }  // by their ids
  // A shortest circle, as the edges' indices: edges of actor `from` one after the other. Empty if there is none.
  struct step {
    std::size_t from;
    edge by;
  };
  const std::vector<step>& circle() const noexcept { return circle_; }
  // Some way leads from it to the circle, but it is not in it.
  bool waits_for_circle(std::size_t actor) const noexcept { return leads_[actor]; }

 private:
  void collect(process_hold& held);
  void look_through_stacks();
  void connect();
  std::vector<step> circle_through(std::size_t start, evidence at_most) const;
  void find_circle();
  void find_followers();

  std::vector<blocked> actors_;
  std::vector<step> circle_;
  std::vector<bool> leads_;
};

}  // namespace weir::internal
