// An allocator that runs short: operator new, in all its forms, as long as a test wants it to fail.
//   short_memory none;          every one of this thread fails
//   short_memory some(n);       the same, after n that do not
//   short_memory one(n, once)   only the one after n
//   with_allocations(n, f)      whether f() has enough with n
//   allocations(), frees()      how many there were, in all threads
//
// Thread-safety: each thread runs short by itself. What is called meanwhile must not park.
#pragma once

#include <new>

namespace testing {

class short_memory {
 public:
  enum class lasts : bool { on, once };
  static constexpr lasts once = lasts::once;

  explicit short_memory(long left = 0, lasts how = lasts::on) noexcept;
  short_memory(const short_memory&) = delete;
  ~short_memory();
};

template <class F>
bool with_allocations(long left, F f) {
  const short_memory few(left);
  try {
    f();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

long allocations() noexcept;
long frees() noexcept;

}  // namespace testing
