#include "bench/net/cores.h"

#include <sched.h>

#include <cstring>

#include "bench/net/program.h"

namespace bench {

std::vector<int> cores() {
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof all);
  sched_setaffinity(0, sizeof all, &all);
  if (sched_getaffinity(0, sizeof all, &all) != 0) fail("sched_getaffinity");
  std::vector<int> found;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &all)) found.push_back(i);
  return found;
}

void pin_to(int core) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) fail("sched_setaffinity");
}

}  // namespace bench
