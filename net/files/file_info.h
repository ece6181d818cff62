// weir::net::file_info: what a file system knows about a path.
//   stat       of a path; what a symbolic link points to
//   lstat      of the link itself
//   try_stat   empty if there is nothing
//
// Thread-safety: all of it; values.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "weir/runtime/base/deadline.h"

namespace weir::net {

enum class file_kind : std::uint8_t { regular, directory, link, fifo, socket, block_device, character_device, unknown };
// "file", "directory", "link", ...
const char* name_of(file_kind k) noexcept;

struct file_info {
  file_kind kind = file_kind::unknown;
  unsigned permissions = 0;   // as chmod takes them
  std::uint64_t size = 0;     // bytes
  std::uint64_t on_disk = 0;  // bytes that the file system has set aside for it
  std::uint32_t owner = 0, group = 0;
  std::uint64_t links = 0;  // names it has
  std::chrono::system_clock::time_point modified{};
  // The two together tell whether two paths are the same file.
  std::uint64_t device = 0, inode = 0;

  bool same_file(const file_info& other) const noexcept { return device == other.device && inode == other.inode; }
};

// These park while a thread of the blocking pool asks the file system; its answer wakes. Before the call has begun a
// cancel (weir::cancelled; actor_cancelled while the caller unwinds) and the deadline (net::error, errc::timeout) end
// the wait; once it has, its end is waited for. Nothing to close. Throw net::error, which names the path. Do not
// allocate but for errors.
file_info stat(const std::filesystem::path& path, deadline limit = {});
file_info lstat(const std::filesystem::path& path, deadline limit = {});
// Empty if there is nothing of that name, or a directory on the way to it is none (ENOENT, ENOTDIR).
std::optional<file_info> try_stat(const std::filesystem::path& path, deadline limit = {});

}  // namespace weir::net
