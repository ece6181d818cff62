#include "weir/runtime/internal/stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace weir::internal {

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t stack_block::high_water() const noexcept {
  const std::size_t page = page_size();
  std::array<unsigned char, 256> resident;
  for (char* at = bottom(); at < top();) {
    const std::size_t pages = std::min(resident.size(), static_cast<std::size_t>(top() - at) / page);
    if (mincore(at, pages * page, resident.data()) != 0) return 0;
    for (std::size_t i = 0; i < pages; ++i, at += page)
      if (resident[i] & 1) return static_cast<std::size_t>(top() - at);
  }
  return 0;
}

bool stack_block::overrun(std::size_t bytes) const noexcept {
  // The page is never written, so it reads as zeros and costs no memory: the kernel maps its one page of zeros.
  for (const char* at = bottom() - bytes; at < bottom(); at += sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    if (word != 0) return true;
  }
  return false;
}

}  // namespace weir::internal
