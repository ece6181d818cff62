// The readiness set for waits of plain threads, with the thread that serves it.
#include <pthread.h>

#include <array>
#include <memory>
#include <mutex>
#include <thread>

#include "weir/runtime/internal/idle_threads.h"
#include "weir/runtime/internal/readiness_set.h"

namespace weir::internal {
namespace {

// Of the process, never destroyed.
struct thread_set {
  std::mutex mutex;
  std::shared_ptr<readiness_set> set;  // guarded by mutex; null before the first use

  // A child has none of its parent's threads.
  thread_set() {
    pthread_atfork([] { get().mutex.lock(); }, [] { get().mutex.unlock(); },
                   [] {
                     get().set.reset();
                     get().mutex.unlock();
                   });
  }

  static thread_set& get() {
    static auto* const it = new thread_set;
    return *it;
  }
};

void serve_for_ever(readiness_set* set) {
  pthread_setname_np(pthread_self(), "weir-readiness");
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = set->wait(events.data(), static_cast<int>(events.size()), time_point::max());
    for (int i = 0; i < count; ++i) readiness_set::serve(events[static_cast<std::size_t>(i)]);
  }
}

}  // namespace

std::shared_ptr<readiness_set> thread_readiness() {
  thread_set& t = thread_set::get();
  std::lock_guard guard(t.mutex);
  if (t.set == nullptr) {
    auto set = std::make_shared<readiness_set>();
    std::thread(serve_for_ever, set.get()).detach();
    idle_threads_of_process.add_apart();  // who waits says so: outside_wait.h
    t.set = std::move(set);
  }
  return t.set;
}

}  // namespace weir::internal
