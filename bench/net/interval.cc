#include "bench/net/interval.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace bench {

interval measure(program& measuring, program* other) {
  const auto cpu_of = [](program* p) { return p != nullptr ? p->cpu() : 0; };
  const std::string first = measuring.line("\"began\"", other);
  const std::int64_t before = measuring.cpu(), other_before = cpu_of(other);
  const std::string last = measuring.line("\"ended\"", other);
  interval i{};
  i.cpu = static_cast<double>(measuring.cpu() - before);
  i.other_cpu = static_cast<double>(cpu_of(other) - other_before);
  interval::latencies trips{};
  const int figures = std::sscanf(last.c_str(), "ended %lf %lf %lf %lf", &i.count, &i.elapsed, &trips.p50, &trips.p99);
  if (first != "began" || figures < 2 || i.count <= 0 || i.elapsed <= 0) {
    std::fprintf(stderr, "load: \"%s\" and \"%s\" are no measurement\n", first.c_str(), last.c_str());
    std::exit(1);
  }
  if (figures == 4) i.trips = trips;
  return i;
}

}  // namespace bench
