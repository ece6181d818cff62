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

}  // namespace weir::internal
