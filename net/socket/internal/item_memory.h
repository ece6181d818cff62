// weir::net::internal::item_memory: the memory of items, kept for the next ones.
//
// Thread-safety: all of it; also in a child of the process, as nobody waits for a lock.
//
// What one actor allocates for a message another one frees, a batch later and often on another thread: what a general
// allocator keeps for each thread is too little for that, and its slow way would cost more than all the rest of a
// message's way through a socket. So each thread keeps two chains of free memory, and exchanges whole ones with a depot
// that all share. What neither has room for goes back to the general allocator: at most most_chains in the depot.
//
// AddressSanitizer gets each item from the general allocator, so that it sees who uses one that is gone.
//
// Origin: Bonwick and Adams, Magazines and Vmem (USENIX 2001): two chains, so that a thread which takes and gives in
// turn does not go to the depot each time.
#pragma once

#include <cstddef>

namespace weir::net::internal {

struct item_memory {
  static constexpr std::size_t size = 144;  // octets: an item
  static constexpr std::size_t chain_length = 64, most_chains = 64;

  static void* take();  // throws std::bad_alloc
  static void give(void* memory) noexcept;
};

}  // namespace weir::net::internal
