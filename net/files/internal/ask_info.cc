#include "weir/net/files/internal/ask_info.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

namespace weir::net::internal {

file_kind kind_of_mode(unsigned mode) noexcept { return kind_of_entry(static_cast<unsigned char>(IFTODT(mode))); }

file_kind kind_of_entry(unsigned char type) noexcept {
  switch (type) {
    case DT_REG:
      return file_kind::regular;
    case DT_DIR:
      return file_kind::directory;
    case DT_LNK:
      return file_kind::link;
    case DT_FIFO:
      return file_kind::fifo;
    case DT_SOCK:
      return file_kind::socket;
    case DT_BLK:
      return file_kind::block_device;
    case DT_CHR:
      return file_kind::character_device;
    default:
      return file_kind::unknown;
  }
}

int ask_info(int from, const char* path, int flags, file_info& info) noexcept {
  struct statx got {};
  if (statx(from, path, flags | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &got) != 0) return errno;
  info.kind = kind_of_mode(got.stx_mode);
  info.permissions = got.stx_mode & 07777u;
  info.size = got.stx_size;
  info.on_disk = got.stx_blocks * 512;
  info.owner = got.stx_uid;
  info.group = got.stx_gid;
  info.links = got.stx_nlink;
  const auto since = std::chrono::seconds(got.stx_mtime.tv_sec) + std::chrono::nanoseconds(got.stx_mtime.tv_nsec);
  info.modified =
      std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(since));
  info.device = makedev(got.stx_dev_major, got.stx_dev_minor);
  info.inode = got.stx_ino;
  return 0;
}

}  // namespace weir::net::internal
