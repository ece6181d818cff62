// What is one per process: the list of live runtimes, the report on SIGQUIT, the terminate handler, the overflow
// report.
//
// None of it is needed to run actors; it exists so that reports can find them, and so that a forked child knows that it
// is one (forked.h).
//
// Thread-safety: all of it.
#pragma once

namespace weir::internal {

class runtime_core;

// The first runtime of the process also sets up the handlers, SIGQUIT's only if nobody else has.
void process_add(runtime_core& r);
void process_remove(runtime_core& r) noexcept;

// Writes the actors of every live runtime to `fd`.
void process_report(int fd);

}  // namespace weir::internal
