#include "tests/short_memory.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constinit thread_local long left = -1;  // until one fails; below 0: none does
constinit thread_local bool only_one = false;
constinit std::atomic<long> all{0}, freed{0};  // relaxed: numbers, and no more

bool refused() noexcept {
  all.fetch_add(1, std::memory_order_relaxed);
  if (left < 0) return false;
  if (left > 0) return --left, false;
  if (only_one) left = -1;
  return true;
}

}  // namespace

namespace testing {

short_memory::short_memory(long n, lasts how) noexcept {
  only_one = how == once;
  left = n;
}
short_memory::~short_memory() { left = -1; }

long allocations() noexcept { return all.load(std::memory_order_relaxed); }
long frees() noexcept { return freed.load(std::memory_order_relaxed); }

}  // namespace testing

// All forms of them: those of a sanitizer do not come by these.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return refused() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
  void* const memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& t) noexcept { return operator new(size, t); }
void operator delete(void* memory) noexcept {
  freed.fetch_add(1, std::memory_order_relaxed);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }
void operator delete[](void* memory) noexcept { operator delete(memory); }
void operator delete[](void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }
