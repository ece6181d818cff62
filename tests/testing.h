// What tests of weir share: a runtime that must end with nothing left, scale, and waiting for a condition.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "weir/runtime/runtime.h"
#include "weir/runtime/this_actor.h"

namespace testing {

// Catch2's assertions are for one thread at a time, and belong to main. Spawned actors and threads use EXPECT;
// in_actor() and check_expectations() report what failed.
class expectations {
 public:
  static void failed(const char* file, int line, const char* what) {
    std::lock_guard guard(mutex());
    list().push_back(std::string(file) + ":" + std::to_string(line) + ": EXPECT(" + what + ")");
  }
  static std::vector<std::string> take() {
    std::lock_guard guard(mutex());
    return std::exchange(list(), {});
  }

 private:
  static std::mutex& mutex() {
    static std::mutex m;
    return m;
  }
  static std::vector<std::string>& list() {
    static std::vector<std::string> l;
    return l;
  }
};

#define EXPECT(condition) \
  ((condition) ? static_cast<void>(0) : ::testing::expectations::failed(__FILE__, __LINE__, #condition))

inline void check_expectations() {
  for (const std::string& text : expectations::take()) FAIL_CHECK(text);
}

// How many rounds a race gets: `usual` in CI, 100 times as many in the nightly lane, a tenth under sanitizers.
inline int rounds(int usual) {
  if (std::getenv("WEIR_NIGHTLY")) return usual * 100;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return usual / 10 + 1;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
  return usual / 10 + 1;
#endif
#endif
  return usual;
}

// Workers as the lane says (WEIR_WORKERS), else two.
inline int workers() {
  const char* text = std::getenv("WEIR_WORKERS");
  return text ? std::atoi(text) : 2;
}

// On a plain thread: until condition(), or until a machine however busy would have come to it.
template <class Condition>
void wait_until(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  while (!condition() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
}

// Runs f as main of a runtime, and fails if an actor is left when main has ended.
template <class F>
void in_actor(F f, std::optional<int> worker_count = {}) {
  weir::runtime r({.workers = worker_count.value_or(workers())});
  r.run(std::move(f));
  // The runtime's own reference goes some instructions after main's join; their worker may lose its core between them.
  wait_until([&] { return r.actors() == 0; });
  CHECK(r.actors() == 0);
  check_expectations();
}

// The thread it is called on. Out of line, because pthread_self() is declared const: inlined, a compiler may ask once
// and keep the answer over a park.
__attribute__((noinline)) inline std::thread::id thread_now() {
  asm volatile("" ::: "memory");
  return std::this_thread::get_id();
}

// Sends `signal` to this process, as kill does. ThreadSanitizer keeps back what comes to a thread that is blocked in a
// system call it does not know; there it goes to the caller.
inline void send_signal(int signal) {
#if defined(__SANITIZE_THREAD__)
  raise(signal);
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
  raise(signal);
#else
  kill(getpid(), signal);
#endif
#else
  kill(getpid(), signal);
#endif
}

// Yields until condition(); the test's time limit is the limit, and its dump shows who waits.
template <class Condition>
void eventually(Condition condition) {
  while (!condition()) weir::this_actor::yield();
}

}  // namespace testing
