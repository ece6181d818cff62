// The sanitizers' and valgrind's view of actors: every hook in this one file, empty in plain builds.
//
// The switch hooks are always inlined into the function that switches: TSan keeps a call stack per fiber, and a helper
// that returned after __tsan_switch_to_fiber would pop the wrong one.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#define WEIR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define WEIR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEIR_TSAN 1
#endif
#endif

#ifdef WEIR_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef WEIR_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#define WEIR_VALGRIND 1
#endif

#define WEIR_ALWAYS_INLINE inline __attribute__((always_inline))

namespace weir::internal {

#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
// Instrumented frames are several times larger, and instrumented code is several times slower.
inline constexpr std::size_t stack_scale = 4;
inline constexpr int slowdown = 10;
#else
inline constexpr std::size_t stack_scale = 1;
inline constexpr int slowdown = 1;
#endif

// Threads that the sanitizer starts with the program's first one. They touch nothing of the program.
#ifdef WEIR_TSAN
inline constexpr int sanitizer_threads = 1;
#else
inline constexpr int sanitizer_threads = 0;
#endif

// What the sanitizers know about one stack an actor runs on; lives and is pooled with the stack.
class stack_annotation {
 public:
  // Before an actor gets the stack for the first time. Not earlier: a TSan fiber is dear.
  void stack_mapped(void* bottom, std::size_t size) {
#ifdef WEIR_ASAN
    __lsan_register_root_region(bottom, size);  // else what only a parked stack points to would count as leaked
#endif
#ifdef WEIR_TSAN
    tsan_fiber = __tsan_create_fiber(0);
#endif
#ifdef WEIR_VALGRIND
    valgrind_id = VALGRIND_STACK_REGISTER(bottom, static_cast<char*>(bottom) + size);
#endif
    (void)bottom, (void)size;
  }
  void stack_unmapped(void* bottom, std::size_t size) {
#ifdef WEIR_ASAN
    __asan_unpoison_memory_region(bottom, size);
    __lsan_unregister_root_region(bottom, size);
#endif
#ifdef WEIR_TSAN
    __tsan_destroy_fiber(tsan_fiber);
#endif
#ifdef WEIR_VALGRIND
    VALGRIND_STACK_DEREGISTER(valgrind_id);
#endif
    (void)bottom, (void)size;
  }
  // A pooled stack holds no live object: reads of it are errors until it is taken again.
  void stack_pooled([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t size) {
#ifdef WEIR_ASAN
    __asan_poison_memory_region(bottom, size);
#endif
  }
  void stack_taken([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t size) {
#ifdef WEIR_ASAN
    __asan_unpoison_memory_region(bottom, size);
#endif
  }

#ifdef WEIR_TSAN
  void* tsan_fiber = nullptr;
#endif
#ifdef WEIR_VALGRIND
  unsigned valgrind_id = 0;
#endif
};

// What the sanitizers need to come back to one side of a switch: an actor's, or a worker's native stack.
struct switch_annotation {
#ifdef WEIR_ASAN
  void* fake_stack = nullptr;
  const void* bottom = nullptr;  // of this side's stack
  std::size_t size = 0;
#endif
#ifdef WEIR_TSAN
  void* fiber = nullptr;
#endif

  // Leaving `this` side for `to`. `forever`: this side never comes back.
  WEIR_ALWAYS_INLINE void leave([[maybe_unused]] switch_annotation& to, [[maybe_unused]] bool forever) {
#ifdef WEIR_ASAN
    __sanitizer_start_switch_fiber(forever ? nullptr : &fake_stack, to.bottom, to.size);
#endif
#ifdef WEIR_TSAN
    __tsan_switch_to_fiber(to.fiber, 0);
#endif
  }
  // Just arrived on `this` side.
  WEIR_ALWAYS_INLINE void arrive() {
#ifdef WEIR_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
  }
};

// Copies `count` words of memory that may hold anything: parts of a stack that were never written, or that ASan
// forbids.
void copy_any_words(const std::uintptr_t* from, std::size_t count, std::uintptr_t* to) noexcept;

// The frame that ASan keeps elsewhere than on the stack, if `word` points into one of those of `side`; else empty.
struct words {
  const std::uintptr_t* begin = nullptr;
  std::size_t count = 0;
};
words frame_elsewhere(const switch_annotation& side, std::uintptr_t word) noexcept;

// The annotation of the calling thread's own (native) stack.
void annotate_native(switch_annotation& native);

}  // namespace weir::internal
