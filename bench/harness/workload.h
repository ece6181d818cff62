// A benchmark program is a set of workloads, one file each, that register themselves; `main` runs one of them once:
//   PROGRAM --list                    the names of its workloads
//   PROGRAM WORKLOAD WORKERS N        prints a line per figure: "WORKLOAD METRIC VALUE UNIT"
// bench/run does the repetitions and the medians. Every system that is compared speaks this form.
//   workload     registers a function under a name
//   report       prints a figure
//   require_sum  ends the program, before a figure is printed, if the work was not done as it should be
//
// Thread-safety: report: none. require_sum: all of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace bench {

struct request {
  std::string_view workload;
  int workers;     // OS threads that run actors
  std::int64_t n;  // how much work: messages, hops, actors; each workload's file says
};

class workload {
 public:
  // REQUIRES: static storage; `name` is a literal.
  workload(const char* name, void (*run)(const request&)) noexcept;

  const char* const name;
  void (*const run)(const request&);
  const workload* const next;  // registered before this one
};

void report(const request& r, std::string_view metric, double value, std::string_view unit);

// Exit status 3 unless they are equal: a figure for work that was not done is none.
void require_sum(const request& r, std::string_view what, std::int64_t got, std::int64_t expected);

// Runs body(n) once on a tenth of the work, then measures it: nanoseconds.
template <class Body>
double timed(std::int64_t n, Body body) {
  using clock = std::chrono::steady_clock;
  body(n / 10 > 0 ? n / 10 : 1);
  const auto start = clock::now();
  body(n);
  return std::chrono::duration<double, std::nano>(clock::now() - start).count();
}

// What timed() measured, as nanoseconds each or as millions a second.
void report_each(const request& r, double nanoseconds);
void report_rate(const request& r, double nanoseconds);

// 0 + 1 + ... + (n - 1)
constexpr std::int64_t sum_below(std::int64_t n) noexcept { return n * (n - 1) / 2; }

}  // namespace bench
