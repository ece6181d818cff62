// OS threads for calls that block: grows on demand up to a cap, then jobs queue.
//
// Thread-safety: all of it but construction and destruction.
//
// A job lives on the stack of the actor that waits for it. It can be taken back only while it is queued; once a thread
// has begun it, the actor waits for its end.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "weir/runtime/internal/event.h"
#include "weir/runtime/internal/fifo.h"

namespace weir::internal {

class blocking_pool {
 public:
  struct job {
    void (*run)(void*) = nullptr;  // must not throw
    void* argument = nullptr;
    event done;
    job* next = nullptr;
  };

  explicit blocking_pool(int most_threads) noexcept : most_(most_threads) {}
  blocking_pool(const blocking_pool&) = delete;

  // Throws std::system_error if not even one thread can be started.
  void submit(job& j);
  // True: the job had not begun and never will.
  bool take_back(job& j) noexcept;
  // For quiescence.h: whether no job is queued or runs, how many threads wait for one, and how many jobs there have
  // been.
  struct census {
    bool idle;
    std::size_t threads;
    std::uint64_t jobs;
    bool operator==(const census&) const = default;
  };
  census count() noexcept;
  // Joins the threads. REQUIRES: no job is left.
  void stop() noexcept;

 private:
  void serve();

  const int most_;
  std::mutex mutex_;  // held by pool threads and, for a few instructions, by workers; never over a park
  std::condition_variable work_;
  fifo<job, &job::next> queue_;  // guarded by mutex_, as are:
  std::vector<std::thread> threads_;
  int waiting_ = 0;  // threads that wait for work
  int queued_ = 0;
  std::uint64_t submitted_ = 0;
  bool stopping_ = false;
};

}  // namespace weir::internal
