#include "bench/harness/sleepers.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>

namespace bench {

std::chrono::microseconds sleep_of(std::int64_t i) noexcept {
  // splitmix64
  std::uint64_t z = static_cast<std::uint64_t>(i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return std::chrono::microseconds(static_cast<std::int64_t>((z ^ (z >> 31)) % 1'000'001));
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void report_sleepers(const request& r, std::vector<std::chrono::nanoseconds> late, double cpu_before) {
  const double cpu = cpu_seconds() - cpu_before;
  std::sort(late.begin(), late.end());
  require_sum(r, "sleepers that woke early", late.front() < std::chrono::nanoseconds::zero(), 0);
  const auto milliseconds = [&](double share) {
    const auto at = static_cast<std::size_t>(share * static_cast<double>(late.size() - 1));
    return std::chrono::duration<double, std::milli>(late[at]).count();
  };
  report(r, "p50_late", milliseconds(0.5), "ms");
  report(r, "p99_late", milliseconds(0.99), "ms");
  report(r, "cpu", cpu, "s");
}

}  // namespace bench
