#include "weir/net/internal/stream_core.h"

#include <array>

#include "weir/net/error.h"

namespace weir::net {

const char* name_of(io_status s) noexcept {
  constexpr std::array names{"ok", "end", "reset", "timeout", "closed", "too_long"};
  return names[static_cast<std::size_t>(s)];
}

namespace internal {

io_result stream_core::read_more(std::size_t most, deadline limit) {
  if (unread_from_ > 0) {
    unread_.erase(0, unread_from_);
    unread_from_ = 0;
  }
  const std::size_t had = unread_.size();
  unread_.resize(had + most);
  // A cancel, too, leaves what was there.
  struct trim {
    std::string& text;
    std::size_t size;
    ~trim() { text.resize(size); }
  } kept{unread_, had};
  const iovec to{unread_.data() + had, most};
  const io_result r = read(&to, 1, limit);
  kept.size += r.bytes;
  reading.add(r.bytes);
  return r;
}

void stream_core::throw_reset(const char* operation, int code) const { throw error(code, operation, name()); }

}  // namespace internal
}  // namespace weir::net
