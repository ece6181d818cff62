// An inotify descriptor, what was read from it, and which path each of its watches has.
//
// Thread-safety: as watch.h says.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "weir/net/files/change.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/descriptor.h"

namespace weir::net::internal {

class watch_core {
 public:
  watch_core();

  void add(const std::filesystem::path& path, deadline limit);
  bool remove(const std::filesystem::path& path);
  std::optional<change> next(deadline limit, site where);
  void close() noexcept { inotify_.close(); }
  bool is_open() const noexcept { return inotify_.is_open(); }
  std::string describe() const { return "changes of files"; }

  // For select. Reads what is there, without waiting.
  bool ready();
  std::optional<change> take();
  weir::internal::descriptor& descriptor() noexcept { return inotify_; }

 private:
  bool read_now(weir::internal::descriptor::operation& op);
  void parse(std::size_t size);

  weir::internal::descriptor inotify_;
  std::mutex mutex_;                                      // never held over a park
  std::unordered_map<int, std::filesystem::path> paths_;  // by watch; guarded by mutex_
  // Of who waits for changes, the one.
  std::deque<change> ready_;
  // One event has 16 bytes and a name of at most 256.
  alignas(8) std::array<std::byte, 8192> buffer_;
};

}  // namespace weir::net::internal
