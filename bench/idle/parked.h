// What parked actors cost: memory, and the time to create and to wake them.
//
// Thread-safety: none.
#pragma once

#include <cstdint>

#include "weir/weir.h"

namespace bench {

struct parked_figures {
  double bytes_each;      // resident memory and page tables, while all are parked, each having run and woken once
  double fresh_ns;        // to spawn one and to have it park, on a stack that was never used
  double wake_ns;         // to wake one, run it and end it
  double pooled_ns;       // as fresh_ns, when as many have ended just before
  std::int64_t mappings;  // of the process
  std::int64_t wakes;     // in all rounds together: must be 4 * actors
};

// Parks `actors`, each spawned with `how`, on `workers`. Throws weir::no_memory if there is no stack for one of them.
parked_figures park(int workers, std::int64_t actors, weir::spawn_options how = {});

}  // namespace bench
