// What both sides of a message socket row count and check; knows no system. bench/socket/load.cc starts them.
//   stamp, require_message   number a message's bytes, and look whether they are those of that number
//   arrivals                 counts what comes, to one receiver or several
//   round_trips              how long each took
//
// Thread-safety: arrivals::got: one thread or actor at a time for each receiver; the rest: none.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/net/side.h"

namespace bench {

// The number stands at both ends of the message. REQUIRES: size >= 16
inline void stamp(void* bytes, std::size_t size, std::int64_t number) noexcept {
  std::memcpy(bytes, &number, sizeof number);
  std::memcpy(static_cast<char*>(bytes) + size - sizeof number, &number, sizeof number);
}

// Ends the program with status 3 unless the message has the size and the number that it should have.
inline void require_message(const void* bytes, std::size_t size, std::size_t expected_size, std::int64_t expected) {
  std::int64_t first = -1, last = -1;
  if (size == expected_size) {
    std::memcpy(&first, bytes, sizeof first);
    std::memcpy(&last, static_cast<const char*>(bytes) + size - sizeof last, sizeof last);
  }
  if (first == expected && last == expected) return;
  std::fprintf(stderr, "message %lld of %zu bytes came as %lld to %lld of %zu bytes\n",
               static_cast<long long>(expected), expected_size, static_cast<long long>(first),
               static_cast<long long>(last), size);
  std::_Exit(3);
}

// What is measured begins when all receivers have the messages that come first, and ends when all have everything. What
// came in between, to all of them, is what counts: one receiver may be ahead of another.
class arrivals {
 public:
  arrivals(const task& t, std::size_t receivers) : task_(t), each_(receivers) {}

  // The next message of that receiver. True: it was the last one.
  bool got(std::size_t receiver, const void* bytes, std::size_t size) {
    std::atomic<std::int64_t>& count = each_[receiver].count;
    const std::int64_t number = count.load(std::memory_order_relaxed);
    require_message(bytes, size, task_.size, number);
    count.store(number + 1, std::memory_order_relaxed);
    if (number + 1 == task_.warm() && warmed_.fetch_add(1, std::memory_order_acq_rel) + 1 == each_.size()) {
      began_with_ = sum();
      began_at_ = now();
      say_began();
    }
    if (number + 1 < task_.all()) return false;
    // Pairs with itself: whoever comes last sees what the one that was warm last has written.
    if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 == each_.size())
      say_ended(sum() - began_with_, now() - began_at_);
    return true;
  }

 private:
  // Written by its receiver. Read by whoever is warm last: a message that it does not see yet counts as one that comes
  // later.
  struct alignas(64) progress {
    std::atomic<std::int64_t> count{0};
  };
  std::int64_t sum() const noexcept {
    std::int64_t all = 0;
    for (const progress& p : each_) all += p.count.load(std::memory_order_relaxed);
    return all;
  }

  const task task_;
  std::vector<progress> each_;
  std::atomic<std::size_t> warmed_{0}, finished_{0};
  // Written by the receiver that is warm last.
  std::int64_t began_with_ = 0, began_at_ = 0;
};

// Calls trip(number) for each, after those that come first; at the end says the 50th and the 99th of 100, too, in
// nanoseconds.
template <class Trip>
void round_trips(const task& t, Trip trip) {
  for (std::int64_t i = 0; i < t.warm(); ++i) trip(i);
  std::vector<std::int64_t> took;
  took.reserve(static_cast<std::size_t>(t.n));
  say_began();
  const std::int64_t start = now();
  for (std::int64_t i = t.warm(), last = start; i < t.all(); ++i) {
    trip(i);
    const std::int64_t at = now();
    took.push_back(at - last);
    last = at;
  }
  const std::int64_t elapsed = now() - start;
  const auto part = [&](std::ptrdiff_t of_100) {
    const auto at = took.begin() + (static_cast<std::ptrdiff_t>(took.size()) - 1) * of_100 / 100;
    std::nth_element(took.begin(), at, took.end());
    return " " + std::to_string(*at);
  };
  say_ended(t.n, elapsed, part(50) + part(99));
}

}  // namespace bench
