// An epoll set: what the kernel tells of the descriptors in it, and who is told.
//
// Each worker sleeps in a set of its own; one more, with a thread that does nothing else, serves waits of plain threads
// (thread_readiness()). A member is known by a token, which an event brings back: watched.h says what it leads to. A
// descriptor of weir's own joins once, edge-triggered, and leaves when it is closed. A foreign one is armed for one
// event, by a wait; what is left of that when the wait is over (armed or not) stays until the library closes its
// descriptor, or the next wait arms it anew, with one system call.
//
// The races, and what decides each:
//  - The kernel forgets a descriptor that is closed elsewhere, and its number may come back as another's: so the table
//    says whose registration a number carries by now, under the mutex, and nobody removes one that is not his. An old
//    registration that outlives its number (the file has a duplicate) fires once at most, with a token that is stale.
//  - The set ends (its runtime does) while descriptors that other runtimes use are members: end() tells each of them,
//    and they join another one.
//
// Thread-safety: all of it. The mutex is held over system calls that do not block.
//
// In a forked child the set is still the parent's, as the kernel shares it: the child joins it never, and takes nothing
// out of it.
#pragma once

#include <poll.h>
#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "weir/runtime/base/clock.h"
#include "weir/runtime/internal/forked.h"

namespace weir::internal {

// Small values are the set's owner's; the others come from watched.h.
using readiness_token = std::uint64_t;
inline constexpr readiness_token owners_tokens = readiness_token{1} << 32;

class readiness_set {
 public:
  readiness_set();  // throws std::system_error
  readiness_set(const readiness_set&) = delete;
  ~readiness_set();

  // A member of the owner's own, for good. Throws std::system_error.
  void add(int fd, std::uint32_t events, readiness_token own);

  // A member until leave(). 0, or the error: EPERM if the kernel cannot watch such a file, EEXIST if a wait has it
  // armed at this moment, ENOMEM, ENOSPC.
  int join(int fd, std::uint32_t events, readiness_token token) noexcept;
  // Before the descriptor is closed.
  void leave(int fd, readiness_token token) noexcept;

  // Armed for one event until disarm(). The same errors; EEXIST also if it is a member.
  int arm(int fd, std::uint32_t events, readiness_token token) noexcept;
  // The wait is over. An event may still come.
  void disarm(int fd, readiness_token token) noexcept;

  // How many members have joined and how many waits are armed; if there are any it is worth a look. A hint.
  std::size_t watched() const noexcept { return watched_.load(std::memory_order_relaxed); }
  bool watches() const noexcept { return watched() != 0; }

  // Waits for events until `until` (time_point::min(): looks only). How many; 0 also if a signal came.
  int wait(epoll_event* events, int most, time_point until) noexcept;
  // For wait_for_any().
  pollfd entry() const noexcept { return {epoll_, POLLIN, 0}; }
  // Until wait() has something to say of one of these, but not longer than `until`. May return early. False: the kernel
  // refuses so many.
  static bool wait_for_any(pollfd* sets, std::size_t count, time_point until) noexcept;
  // Tells who is meant. REQUIRES: the token is not one of the owner's. On a worker's native stack, or another thread
  // that may wake actors.
  static void serve(const epoll_event& event) noexcept;

  // Nobody waits for events any more: every member is told, and none comes anew.
  void end() noexcept;

  bool foreign() const noexcept { return mark_.foreign(); }

 private:
  struct member {
    readiness_token token = 0;  // 0: none
    bool joined = false;        // else it was armed
    bool waits = false;         // it is armed by a wait that is not over
  };

  int control(int operation, int fd, std::uint32_t events, readiness_token token) const noexcept;
  member* place(int fd) noexcept;

  const process_mark mark_;
  const int epoll_;
  // Until the kernel says otherwise. Relaxed: who misses that finds out for himself.
  std::atomic<bool> has_pwait2_{true};
  // Changes under mutex_. Relaxed: who misses a change looks a little later.
  std::atomic<std::size_t> watched_{0};
  std::mutex mutex_;
  std::vector<member> members_;  // by descriptor; guarded by mutex_, as is:
  bool ended_ = false;
};

// The set that serves waits of the calling actor or thread: of the worker it is on, or the one for plain threads.
// Throws as thread_readiness(). In worker.cc.
std::shared_ptr<readiness_set> current_readiness();

// The set for plain threads; the first call starts a thread that serves it, for ever. Throws std::system_error.
std::shared_ptr<readiness_set> thread_readiness();

}  // namespace weir::internal
