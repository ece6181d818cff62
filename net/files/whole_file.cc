#include "weir/net/files/whole_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string_view>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/files/internal/file_call.h"
#include "weir/net/files/internal/open_regular.h"

namespace weir::net {
namespace {

using internal::call_limit;

constexpr std::size_t step = 1 << 20;

class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// The job of read_file. False: it was cut short.
bool read_all(const std::string& path, std::size_t most, const call_limit& limit, std::string& content) {
  const internal::opened in = internal::open_now(path.c_str(), O_RDONLY, 0);
  if (in.instead != nullptr) throw error(EINVAL, "read_file", fmt::format("{} ({})", path, in.instead));
  if (in.error != 0) throw error(in.error, "read_file", path);
  const descriptor from(in.fd);
  struct ::stat about {};
  fstat(from.get(), &about);
  const auto promised = static_cast<std::size_t>(std::max<off_t>(about.st_size, 0));
  // One byte more than it should have, to see the end without another round.
  content.resize(std::min({promised, most, step}) + 1);
  for (std::size_t have = 0;;) {
    const ssize_t n = ::read(from.get(), content.data() + have, std::min(content.size() - have, step));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw error(errno, "read_file", path);
    have += static_cast<std::size_t>(n);
    if (have > most) throw error(make_error_code(errc::too_long), "read_file", path);
    if (n == 0) {
      content.resize(have);
      return true;
    }
    if (have == content.size()) content.resize(have + std::max<std::size_t>(4096, have));
    if (limit.over()) return false;
  }
}

// A name beside `path` for what will have its name.
std::string beside(const std::string& path) {
  const std::size_t slash = path.rfind('/') + 1;  // 0 if there is none
  std::random_device random;
  // A name may have 255 bytes.
  return fmt::format("{}.{:.200}.weir-{:08x}", std::string_view(path).substr(0, slash),
                     std::string_view(path).substr(slash), static_cast<std::uint32_t>(random()));
}

// The new file, as long as it has not got its name: then it goes.
class new_file {
 public:
  // `permissions`: what the process's mask leaves of them at most, as others may look at it before it has its name.
  new_file(const std::string& final_path, mode_t permissions) : final_(final_path) {
    int fd;
    do {
      path_ = beside(final_);
      fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions);
    } while (fd < 0 && (errno == EEXIST || errno == EINTR));
    if (fd < 0) throw error(errno, "write_file", final_);
    fd_.emplace(fd);
  }
  new_file(const new_file&) = delete;
  ~new_file() {
    if (fd_) unlink(path_.c_str());
  }
  int fd() const noexcept { return fd_->get(); }
  void check(int result) const {
    if (result != 0) throw error(errno, "write_file", final_);
  }
  void take_name() {
    check(::close(fd_->release()));
    check(rename(path_.c_str(), final_.c_str()));
    fd_.reset();
  }

 private:
  const std::string& final_;
  std::string path_;
  std::optional<descriptor> fd_;
};

// What a link points to, also if there is nothing yet.
std::string behind_links(const std::string& path) {
  std::filesystem::path at = path;
  for (int links = 0; links < 40; ++links) {  // as many as the kernel follows
    const std::unique_ptr<char, decltype(&::free)> found(realpath(at.c_str(), nullptr), &::free);
    if (found) return found.get();
    std::error_code none;
    const std::filesystem::path to = std::filesystem::read_symlink(at, none);
    if (none) break;
    at = at.parent_path() / to;
  }
  return at;
}

void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems have no sync of a directory, and need none.
  if (fd.get() < 0 || (fsync(fd.get()) != 0 && errno != EINVAL)) throw error(errno, "write_file", path);
}

// The job of write_file. False: it was cut short.
bool replace(const std::string& path, const_buffer content, const write_file_options& options,
             const call_limit& limit) {
  const std::string target = behind_links(path);
  struct ::stat old {};
  const bool there = ::stat(target.c_str(), &old) == 0;
  if (there && S_ISDIR(old.st_mode)) throw error(EISDIR, "write_file", path);
  if (there && !S_ISREG(old.st_mode)) throw error(EINVAL, "write_file", path + " (no regular file: open it and write)");
  const std::optional<mode_t> wanted = options.permissions ? std::optional<mode_t>(*options.permissions)
                                       : there             ? std::optional<mode_t>(old.st_mode & 07777u)
                                                           : std::nullopt;
  new_file made(target, wanted.value_or(0666) & 0666);
  while (!content.empty()) {
    if (limit.over()) return false;
    const ssize_t n = ::write(made.fd(), content.data(), std::min(content.size(), step));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw error(errno, "write_file", path);
    content = content.from(static_cast<std::size_t>(n));
  }
  if (wanted) made.check(fchmod(made.fd(), *wanted));
  if (options.durable) made.check(fsync(made.fd()));
  if (limit.over()) return false;
  made.take_name();
  if (options.durable) sync_folder_of(target);
  return true;
}

}  // namespace

std::string read_file(const std::filesystem::path& path, deadline limit) { return read_file(path, {}, limit); }

std::string read_file(const std::filesystem::path& path, const read_file_options& options, deadline limit) {
  const std::string& name = path.native();
  std::string content;
  const bool all = internal::file_call("read_file", name, limit,
                                       [&](const call_limit& l) { return read_all(name, options.most, l, content); });
  if (!all) internal::throw_cut("read_file", name);
  return content;
}

void write_file(const std::filesystem::path& path, const_buffer content, deadline limit) {
  write_file(path, content, {}, limit);
}

void write_file(const std::filesystem::path& path, const_buffer content, const write_file_options& options,
                deadline limit) {
  const std::string& name = path.native();
  const bool all = internal::file_call("write_file", name, limit,
                                       [&](const call_limit& l) { return replace(name, content, options, l); });
  if (!all) internal::throw_cut("write_file", name);
}

}  // namespace weir::net
