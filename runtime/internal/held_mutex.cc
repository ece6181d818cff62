// Finds a std::mutex, or another pthread mutex, that an actor holds while it parks. It would be unlocked by another
// thread than the one that locked it, if the actor moves, or keep a worker from ever getting to the holder.
//
// Mechanism: this object defines the pthread calls that lock and unlock, which the program's and its libraries' calls
// then find first; each does what the C library's does and notes what the calling thread holds. A condition variable
// unlocks and locks inside of the C library, unseen; that is right, as its thread sleeps meanwhile and holds the mutex
// before and after. A failed try or timed lock notes nothing; a recursive mutex is noted once for each lock.
//
// Limits: reader-writer locks and spin locks are not seen. Of more than 64 mutexes held by one thread, the rest are
// not. Not in ThreadSanitizer builds, which define the same calls.
//
// Thread-safety: a list per thread, touched by that thread only.
#include <dlfcn.h>
#include <fmt/core.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/park_check.h"
#include "weir/runtime/internal/sanitizer.h"

#ifndef WEIR_TSAN
namespace weir::internal {
namespace {

struct held_list {
  std::array<const pthread_mutex_t*, 64> mutexes;
  std::size_t count;
};
// Read only in functions of the C library's interface and in the check, none of which is inlined or parks.
constinit thread_local held_list held{};

void note_locked(const pthread_mutex_t* m) noexcept {
  if (held.count < held.mutexes.size()) held.mutexes[held.count++] = m;
}

void note_unlocked(const pthread_mutex_t* m) noexcept {
  for (std::size_t i = held.count; i-- > 0;) {
    if (held.mutexes[i] != m) continue;
    held.mutexes[i] = held.mutexes[--held.count];
    return;
  }
}

// The C library's function of that name. Looked up at its first use, which may be before main; every thread that comes
// meanwhile finds the same, so relaxed is enough.
template <class Function>
Function* next_definition(std::atomic<Function*>& known, const char* name) noexcept {
  Function* f = known.load(std::memory_order_relaxed);
  if (f == nullptr) {
    f = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
    if (f == nullptr) std::abort();
    known.store(f, std::memory_order_relaxed);
  }
  return f;
}

__attribute__((noinline)) void check_nothing_held(const actor_core& self, const wait_reason& why,
                                                  const lock_key* source) noexcept {
  if (held.count == 0) return;
  if (source != nullptr) source->unlock();
  const std::string object = why.object();
  abort_misuse(why.verb(), "an actor must hold no std::mutex while it parks, as it may go on on another thread",
               fmt::format("actor \"{}\" (#{}) with {} held, about to {}{}{}", self.name(), self.id(), held.count,
                           why.verb(), object.empty() ? "" : " ", object),
               "Use weir::mutex, or unlock it before. The actor was spawned at the place named.", self.where());
}

const bool installed = [] {
  check_before_park.store(&check_nothing_held, std::memory_order_relaxed);
  return true;
}();

using mutex_call = int(pthread_mutex_t*);
using timed_call = int(pthread_mutex_t*, const timespec*);
using clock_call = int(pthread_mutex_t*, clockid_t, const timespec*);

int locked(int result, const pthread_mutex_t* m) noexcept {
  if (result == 0 || result == EOWNERDEAD) note_locked(m);  // the latter: held, its last owner died
  return result;
}

}  // namespace
}  // namespace weir::internal

using weir::internal::locked;
using weir::internal::next_definition;

// Weak: a program that defines them itself, for a purpose of its own, keeps its own.
extern "C" {

__attribute__((weak)) int pthread_mutex_lock(pthread_mutex_t* m) noexcept {
  static constinit std::atomic<weir::internal::mutex_call*> known{nullptr};
  return locked(next_definition(known, "pthread_mutex_lock")(m), m);
}

__attribute__((weak)) int pthread_mutex_trylock(pthread_mutex_t* m) noexcept {
  static constinit std::atomic<weir::internal::mutex_call*> known{nullptr};
  return locked(next_definition(known, "pthread_mutex_trylock")(m), m);
}

__attribute__((weak)) int pthread_mutex_timedlock(pthread_mutex_t* m, const timespec* until) noexcept {
  static constinit std::atomic<weir::internal::timed_call*> known{nullptr};
  return locked(next_definition(known, "pthread_mutex_timedlock")(m, until), m);
}

__attribute__((weak)) int pthread_mutex_clocklock(pthread_mutex_t* m, clockid_t clock, const timespec* until) noexcept {
  static constinit std::atomic<weir::internal::clock_call*> known{nullptr};
  return locked(next_definition(known, "pthread_mutex_clocklock")(m, clock, until), m);
}

__attribute__((weak)) int pthread_mutex_unlock(pthread_mutex_t* m) noexcept {
  static constinit std::atomic<weir::internal::mutex_call*> known{nullptr};
  const int result = next_definition(known, "pthread_mutex_unlock")(m);
  // Afterwards, by the address alone: the mutex may be gone by now.
  if (result == 0) weir::internal::note_unlocked(m);
  return result;
}

}  // extern "C"
#endif
