#include "weir/runtime/internal/sanitizer.h"

#include <pthread.h>

namespace weir::internal {

void annotate_native([[maybe_unused]] switch_annotation& native) {
#ifdef WEIR_ASAN
  pthread_attr_t attributes;
  void* bottom = nullptr;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &bottom, &native.size);
    pthread_attr_destroy(&attributes);
  }
  native.bottom = bottom;
#endif
#ifdef WEIR_TSAN
  native.fiber = __tsan_get_current_fiber();  // borrowed: it goes with its thread
#endif
}

__attribute__((noinline, no_sanitize("address", "thread", "undefined"))) void copy_any_words(
    const std::uintptr_t* from, std::size_t count, std::uintptr_t* to) noexcept {
  // Volatile, so that it does not become a call of memcpy, which the sanitizers watch.
  for (std::size_t i = 0; i < count; ++i) to[i] = *static_cast<const volatile std::uintptr_t*>(from + i);
#ifdef WEIR_VALGRIND
  VALGRIND_MAKE_MEM_DEFINED(to, count * sizeof *to);
#endif
}

words frame_elsewhere([[maybe_unused]] const switch_annotation& side, [[maybe_unused]] std::uintptr_t word) noexcept {
#ifdef WEIR_ASAN
  void *begin = nullptr, *end = nullptr;
  if (side.fake_stack != nullptr &&
      __asan_addr_is_in_fake_stack(side.fake_stack, reinterpret_cast<void*>(word), &begin, &end) != nullptr)
    return {static_cast<const std::uintptr_t*>(begin),
            static_cast<std::size_t>(static_cast<char*>(end) - static_cast<char*>(begin)) / sizeof(std::uintptr_t)};
#endif
  return {};
}

}  // namespace weir::internal
