// weir::shared_mutex: held by one writer, or by any number of readers. For actors and plain threads.
//
// Thread-safety: all of it. May be destroyed by whoever has held it last, right after its unlock.
//
// Use it with std::unique_lock, std::lock_guard and std::shared_lock.
//
// Fairness: a writer that waits keeps new readers back; when a writer lets go, all readers that wait then go in before
// the next writer. So a writer waits for one group of readers for each writer before it, and a reader for one writer.
// Nobody barges in.
//
// Origin: phase-fair locks; B. Brandenburg, J. Anderson, "Spin-based reader-writer synchronization for multiprocessor
// real-time systems" (2010).
#pragma once

#include <cstddef>
#include <string>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir {

class shared_mutex : internal::sync_base {
 public:
  constexpr shared_mutex(site where = site::current()) noexcept  // NOLINT(google-explicit-constructor)
      : sync_base(where) {}
  // REQUIRES: nobody holds it or waits for it; else the process stops with a report.
  ~shared_mutex();

  // As the writer. Parks while others hold it; the last of them to let go wakes. A cancel ends the wait: throws
  // weir::cancelled, and nothing is held; but while the caller unwinds, it waits on, as what follows relies on the
  // lock. What need not wait is no cancellation point. Throws misuse if the caller is the writer already.
  void lock();
  // The same, at most until `limit`: false then.
  [[nodiscard]] bool lock(deadline limit);
  // Never parks, is no cancellation point.
  [[nodiscard]] bool try_lock();
  // Never parks. Misuse by another than the writer stops the process with a report: it is called by destructors.
  void unlock() noexcept;

  // As a reader; the rest as above, but that it parks also while a writer waits. So who holds it as a reader must not
  // ask again: a writer that came between would wait for the first, and the second for the writer.
  void lock_shared();
  [[nodiscard]] bool lock_shared(deadline limit);
  [[nodiscard]] bool try_lock_shared();
  // Misuse if no reader holds it stops the process with a report.
  void unlock_shared() noexcept;

 private:
  // Which readers are served before the next writer.
  enum class turn : bool { writers, readers };

  bool take_locked(internal::parker& self) noexcept;
  bool take_shared_locked() noexcept;
  internal::wait_node* serve_locked(turn t) noexcept;
  // `call` names the operation, in a misuse and in dumps.
  template <class Take>
  bool lock_either(const char* call, internal::wait_list& list, deadline limit, Take take);
  void refuse_writer_locked(const char* call, const internal::parker& self);  // throws with lock_ free
  std::string describe();
  void add_target(std::vector<internal::wait_target>& out);
  std::string describe_locked();

  // Guarded by lock_:
  internal::parker* writer_ = nullptr;
  std::size_t readers_ = 0;
  internal::wait_list waiting_writers_;
  internal::wait_list waiting_readers_;
};

}  // namespace weir
