// What the runtime knows of a descriptor that it watches. The memory is never given back, only used again.
//
// So an event that the kernel has handed out already, or that a duplicate of a closed descriptor causes, finds
// something that is still of this type; the generation in its token says that it is late, and it is dropped
// (readiness.h).
//
// Thread-safety: acquire, release and find: all of it. watched: as said there.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "weir/runtime/internal/readiness.h"
#include "weir/runtime/internal/readiness_set.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::internal {

struct alignas(64) watched {
  readiness state;

  // Of whoever has acquired it.
  int fd = -1;
  bool shared = false;  // any number of operations in a direction
  bool bytes = false;   // a short transfer says something (descriptor.h)

  // Whose set it has joined. Two directions may come to their first wait at once: `joining` makes it one join.
  small_lock join_lock;
  bool joining = false;                // guarded by join_lock, as is:
  std::shared_ptr<readiness_set> set;  // null: none
  // 0, or 1 more than the count of forks (forked.h) of the process in which it joined: a child's is none of its own.
  // Written under join_lock; release pairs with the look without it.
  std::atomic<std::uint32_t> joined_in{0};

  // Immutable, as is the address.
  std::uint32_t number = 0;
  watched* next_free = nullptr;  // guarded by the pool's lock
};

// One that nobody else knows, open (readiness.h). Throws std::bad_alloc.
watched& acquire_watched(bool ready);
// REQUIRES: nobody else knows it.
void release_watched(watched& w) noexcept;

// A token for the present use of `w`. `one_shot`: whatever happens counts as readable.
readiness_token token_of(watched& w, bool one_shot) noexcept;
// What the token was made from, with its generation.
struct watched_token {
  watched& of;
  std::uint32_t generation;
  bool one_shot;
};
watched_token from_token(readiness_token token) noexcept;

// Makes `w` a member of the calling actor's or thread's set, unless it is one of any. Throws std::system_error.
void ensure_joined(watched& w);
// Before its descriptor is closed. REQUIRES: no operation is under way.
void leave_set(watched& w) noexcept;
// `set` has ended.
void forget_set(watched_token t, const readiness_set& set) noexcept;

}  // namespace weir::internal
