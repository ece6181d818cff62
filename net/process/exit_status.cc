#include "weir/net/process/exit_status.h"

#include <fmt/core.h>
#include <string.h>

namespace weir::net {

std::string exit_status::text() const {
  if (signal == 0) return fmt::format("exit status {}", code);
  const char* const name = sigabbrev_np(signal);
  return fmt::format("killed by {}{}", name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal),
                     core_dumped ? " (core dumped)" : "");
}

}  // namespace weir::net
