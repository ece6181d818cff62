// The timers workload's parts that are the same in every system: how long each sleeps, and what is said about it.
//
// Thread-safety: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/harness/workload.h"

namespace bench {

// The i-th sleeper's time: 0 to 1000 ms, the same in every run and system.
std::chrono::microseconds sleep_of(std::int64_t i) noexcept;

// User and system CPU seconds of the process so far.
double cpu_seconds();

// Reports p50 and p99 of `late` and the CPU time since `cpu_before`. A negative lateness ends the program: a timer is
// never early.
void report_sleepers(const request& r, std::vector<std::chrono::nanoseconds> late, double cpu_before);

}  // namespace bench
