// as_net_error: runs what waits, and tells what the system refuses it as net is to tell it.
//
// Thread-safety: of a free function.
#pragma once

#include <system_error>

#include "weir/net/error.h"
#include "weir/runtime/internal/wait_reason.h"

namespace weir::net::internal {

// Apart, as its texts would make the stack of every wait deeper.
[[noreturn, gnu::noinline]] inline void throw_as_net_error(const weir::internal::wait_reason& why,
                                                           const std::system_error& e) {
  throw error(e.code().value(), why.verb(), why.object());
}

// Returns wait(). The runtime has no words for what is waited for: that the kernel has no room to watch one more
// descriptor, or that no thread is to be had, it throws as std::system_error. From here it is net::error, with the
// operation and the thing that `why` names. REQUIRES: wait() throws no net::error itself.
template <class Wait>
auto as_net_error(const weir::internal::wait_reason& why, Wait wait) -> decltype(wait()) {
  try {
    return wait();
  } catch (const std::system_error& e) {
    throw_as_net_error(why, e);
  }
}

}  // namespace weir::net::internal
