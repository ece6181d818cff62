// Keeps the calling thread on one of the cores that the process may use.
//
// Thread-safety: all of it.
#pragma once

#include <sched.h>

#include <stdexcept>
#include <vector>

namespace bench {

inline void stay_on_core(std::size_t which) {
  static const std::vector<int> usable = [] {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    std::vector<int> cores;
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set)) cores.push_back(core);
    return cores;
  }();
  if (which >= usable.size()) throw std::runtime_error("needs two cores");
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(usable[which], &one);
  sched_setaffinity(0, sizeof one, &one);
}

}  // namespace bench
