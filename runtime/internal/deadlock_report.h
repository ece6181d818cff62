// The deadlock report: looks whether anything can still run, and if not, says so and has the runtimes broken up.
//
// Thread-safety: from any thread that is none of a runtime's workers; in practice the watchdogs.
#pragma once

#include "weir/runtime/internal/quiescence.h"

namespace weir::internal {

// If the answer is `dead`, every runtime that has actors left knows its report (runtime_core::deadlock), and its
// watchdog breaks it up. If no call of run is there to throw the report, it is printed on stderr.
stillness report_deadlock() noexcept;

}  // namespace weir::internal
