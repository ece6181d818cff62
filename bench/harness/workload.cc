#include "bench/harness/workload.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace bench {
namespace {

// Written before main only.
const workload* registered = nullptr;

}  // namespace

workload::workload(const char* given, void (*function)(const request&)) noexcept
    : name(given), run(function), next(registered) {
  registered = this;
}

void report(const request& r, std::string_view metric, double value, std::string_view unit) {
  std::printf("%.*s %.*s %.6g %.*s\n", static_cast<int>(r.workload.size()), r.workload.data(),
              static_cast<int>(metric.size()), metric.data(), value, static_cast<int>(unit.size()), unit.data());
}

void require_sum(const request& r, std::string_view what, std::int64_t got, std::int64_t expected) {
  if (got == expected) return;
  std::fprintf(stderr, "%.*s: %.*s is %lld, not %lld\n", static_cast<int>(r.workload.size()), r.workload.data(),
               static_cast<int>(what.size()), what.data(), static_cast<long long>(got),
               static_cast<long long>(expected));
  std::fflush(nullptr);
  std::_Exit(3);
}

void report_each(const request& r, double nanoseconds) {
  report(r, "time", nanoseconds / static_cast<double>(r.n), "ns");
}

void report_rate(const request& r, double nanoseconds) {
  report(r, "rate", static_cast<double>(r.n) * 1e3 / nanoseconds, "M/s");
}

}  // namespace bench

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (const bench::workload* w = bench::registered; w != nullptr; w = w->next) std::puts(w->name);
    return 0;
  }
  const bench::request r{argc == 4 ? argv[1] : "", argc == 4 ? std::atoi(argv[2]) : 0,
                         argc == 4 ? std::atoll(argv[3]) : 0};
  if (r.workers >= 1 && r.n >= 1) {
    for (const bench::workload* w = bench::registered; w != nullptr; w = w->next) {
      if (r.workload != w->name) continue;
      try {
        w->run(r);
      } catch (const std::exception& e) {
        std::fprintf(stderr, "%s: %s\n", w->name, e.what());
        return 1;
      }
      return 0;
    }
  }
  std::fprintf(stderr, "%s: takes WORKLOAD WORKERS N, both at least 1, or --list for the names of its workloads\n",
               argv[0]);
  return 2;
}
