// The actor dump: a table of all actors of a runtime, with what each waits for.
//
// Thread-safety: all of it, from any thread. Weakly consistent: each row is true at its own moment. Actors go on
// meanwhile; only spawns and exits in the scope that is just being read wait for some microseconds. Without the memory
// for the table, a line says so.
#pragma once

#include <chrono>
#include <string>

namespace weir::internal {

class runtime_core;

void report_actors(runtime_core& r, int fd) noexcept;

// "3m12s", "1.8s", "250ms", "12us": three digits at most.
std::string short_duration(std::chrono::nanoseconds d);

}  // namespace weir::internal
