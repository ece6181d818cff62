// What can be said about an actor when it is spawned.
#pragma once

#include <cstddef>

namespace weir {

struct spawn_options {
  // Bytes of stack, 16 KiB to 64 MiB, rounded up to 16 KiB, 64 KiB, 256 KiB and so on; four times as many under
  // sanitizers. Memory is used only as far as the actor goes down: actor::stack_used() and the dump say how far.
  std::size_t stack = std::size_t{256} << 10;
  // Index of the one worker that may run it, 0 to workers - 1; -1: any.
  int pinned = -1;
};

}  // namespace weir
