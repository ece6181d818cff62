#include "weir/net/files/file_info.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/files/internal/ask_info.h"
#include "weir/net/files/internal/file_call.h"

namespace weir::net {
namespace {

file_info ask(const char* operation, const std::filesystem::path& path, int flags, deadline limit) {
  const std::string& name = path.native();
  return internal::file_call(operation, name, limit, [&](const internal::call_limit&) {
    file_info info;
    if (const int code = internal::ask_info(AT_FDCWD, name.c_str(), flags, info)) throw error(code, operation, name);
    return info;
  });
}

}  // namespace

const char* name_of(file_kind k) noexcept {
  switch (k) {
    case file_kind::regular:
      return "file";
    case file_kind::directory:
      return "directory";
    case file_kind::link:
      return "link";
    case file_kind::fifo:
      return "fifo";
    case file_kind::socket:
      return "socket";
    case file_kind::block_device:
      return "block device";
    case file_kind::character_device:
      return "character device";
    case file_kind::unknown:
      break;
  }
  return "unknown";
}

file_info stat(const std::filesystem::path& path, deadline limit) { return ask("stat", path, 0, limit); }
file_info lstat(const std::filesystem::path& path, deadline limit) {
  return ask("lstat", path, AT_SYMLINK_NOFOLLOW, limit);
}

std::optional<file_info> try_stat(const std::filesystem::path& path, deadline limit) {
  const std::string& name = path.native();
  return internal::file_call("stat", name, limit, [&](const internal::call_limit&) {
    std::optional<file_info> info(std::in_place);
    const int code = internal::ask_info(AT_FDCWD, name.c_str(), 0, *info);
    if (code == ENOENT || code == ENOTDIR)
      info.reset();
    else if (code != 0)
      throw error(code, "stat", name);
    return info;
  });
}

}  // namespace weir::net
