// A memory barrier in every running thread of the process, paid by the caller alone (membarrier(2)).
//
// Thread-safety: all of it.
#pragma once

namespace weir::internal {

// Before the first barrier. False: this kernel has none. Cheap, and may be called again.
bool register_process_barrier() noexcept;

// Every running thread of the process passes a full memory barrier before this returns: some 20 us if another one runs.
// REQUIRES: register_process_barrier() was true.
void barrier_in_all_threads() noexcept;

}  // namespace weir::internal
