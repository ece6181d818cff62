// Says which actor overflowed its stack, before the process dies.
//
// Thread-safety: install_overflow_report() once per process and more often is fine; one overflow_stack per worker
// thread.
#pragma once

#include <cstddef>

namespace weir::internal {

class actor_core;

// Takes over SIGSEGV and SIGBUS: a fault in the running actor's guard page is reported with the actor's name, its
// stack, its spawn place and the remedy; any other goes to the handler that was there before.
void install_overflow_report() noexcept;

// Says the same of an actor whose stack has no guard page and was found overrun, and aborts.
[[noreturn]] void report_overflow(const actor_core& a) noexcept;

// The stack that the handler runs on, for the calling thread's life.
class overflow_stack {
 public:
  overflow_stack() noexcept;
  overflow_stack(const overflow_stack&) = delete;
  ~overflow_stack();

 private:
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace weir::internal
