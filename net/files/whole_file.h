// A file as one value.
//   read_file    all of it
//   write_file   all of it, and nobody ever sees a part
//
// Thread-safety: all of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "weir/net/buffer.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net {

struct read_file_options {
  // The most bytes; a file with more throws net::error (errc::too_long). Memory grows with what was read, not with what
  // the file system says of the size.
  std::size_t most = std::size_t{1} << 30;
};

// Both park while a thread of the blocking pool does all of it in steps of 1 MiB at most; its end wakes them. A
// deadline (net::error, errc::timeout) and a cancel (weir::cancelled; actor_cancelled while the caller unwinds) end a
// call in line at once, and one that has begun after the present step. Nothing to close. Throw net::error with the
// path. What is no regular file, nor a device that never waits, is refused as net/files/file.h says.
std::string read_file(const std::filesystem::path& path, deadline limit = {});
std::string read_file(const std::filesystem::path& path, const read_file_options& options, deadline limit = {});

struct write_file_options {
  // As chmod takes them. Left out: those of the file that is replaced; of a new one 0666 without the umask.
  std::optional<unsigned> permissions = {};
  // The content is on the disk when the call returns, and after a crash of the machine there is the old file or the new
  // one. Costs some milliseconds. Without it that holds for crashes of the program only.
  bool durable = false;
};

// Writes a file beside it, with a name of its own, and gives that its name: others see the old content or the new, and
// whatever ends the call early leaves the old, and no other file. (Only a process killed meanwhile leaves the file
// beside it: ".NAME.weir-XXXXXXXX".) A symbolic link is followed; other hard links keep the old content; the owner is
// who writes.
void write_file(const std::filesystem::path& path, const_buffer content, deadline limit = {});
void write_file(const std::filesystem::path& path, const_buffer content, const write_file_options& options,
                deadline limit = {});

}  // namespace weir::net
