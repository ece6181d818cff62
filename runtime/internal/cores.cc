#include "weir/runtime/internal/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

namespace weir::internal {
namespace {

int affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}

// The least quota on the way from this process's control group to the root, in cores; 0 if there is none.
// Origin: the kernel's "Control Group v2", cpu.max: "$MAX $PERIOD" in microseconds, MAX may be "max".
double quota_cores() {
  std::ifstream groups("/proc/self/cgroup");
  std::string line, path;
  while (std::getline(groups, line))
    if (line.rfind("0::", 0) == 0) path = line.substr(3);
  double least = 0;
  for (;;) {
    std::ifstream file("/sys/fs/cgroup" + path + "/cpu.max");
    std::string quota;
    double period = 0;
    if (file >> quota >> period && quota != "max" && period > 0) {
      const double cores = std::stod(quota) / period;
      least = least == 0 ? cores : std::min(least, cores);
    }
    const auto slash = path.rfind('/');
    if (slash == std::string::npos || path == "/") break;
    path.resize(slash);
  }
  return least;
}

}  // namespace

int usable_cores() {
  int cores = std::max(1, affinity_cores());
  const double quota = quota_cores();
  if (quota > 0) cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(quota))));
  return cores;
}

}  // namespace weir::internal
