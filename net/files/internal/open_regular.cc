#include "weir/net/files/internal/open_regular.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/files/internal/file_call.h"

namespace weir::net::internal {
namespace {

int flags_of(open_mode mode) noexcept {
  switch (mode) {
    case open_mode::read:
      return O_RDONLY;
    case open_mode::write:
      return O_WRONLY | O_CREAT | O_TRUNC;
    case open_mode::append:
      return O_WRONLY | O_CREAT | O_APPEND;
    case open_mode::update:
      return O_RDWR;
    case open_mode::create:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

// What cannot be a file here. Null: it can.
const char* refusal(mode_t mode, int fd) noexcept {
  if (S_ISFIFO(mode)) return "a FIFO, which may keep its reader waiting: open it as a pipe";
  if (S_ISSOCK(mode)) return "a socket: connect to it";
  if (S_ISCHR(mode) && fd >= 0 && isatty(fd)) return "a terminal, which may keep its reader waiting: open it as a pipe";
  return nullptr;
}

}  // namespace

opened open_now(const char* path, int flags, unsigned permissions) noexcept {
  opened made;
  // Without O_NONBLOCK the opening of a FIFO waits for its other end.
  do made.fd = ::open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, permissions);
  while (made.fd < 0 && errno == EINTR);
  struct ::stat about {};
  if (made.fd < 0) {
    made.error = errno;
    // A FIFO nobody reads, or a socket.
    if (made.error == ENXIO && ::stat(path, &about) == 0) made.instead = refusal(about.st_mode, -1);
    return made;
  }
  if (fstat(made.fd, &about) != 0)
    made.error = errno;
  else if (S_ISDIR(about.st_mode))
    made.error = EISDIR;
  else if ((made.instead = refusal(about.st_mode, made.fd)) != nullptr)
    made.error = EINVAL;
  if (made.error != 0) {
    ::close(std::exchange(made.fd, -1));
    return made;
  }
  made.regular = S_ISREG(about.st_mode);
  // For what it may be handed to. Character devices keep it: they say EAGAIN rather than wait.
  if (!S_ISCHR(about.st_mode)) fcntl(made.fd, F_SETFL, fcntl(made.fd, F_GETFL) & ~O_NONBLOCK);
  return made;
}

std::unique_ptr<open_file> open_regular(const std::filesystem::path& path, open_mode mode, deadline limit) {
  const int flags = flags_of(mode);
  const std::string& name = path.native();
  return file_call("open", name, limit, [&](const call_limit&) {
    const opened made = open_now(name.c_str(), flags, 0666);
    if (made.instead != nullptr) throw error(EINVAL, "open", name + " (" + made.instead + ")");
    if (made.error != 0) throw error(made.error, "open", name);
    try {
      return std::make_unique<open_file>(made.fd, name, made.regular, (flags & O_APPEND) != 0);
    } catch (...) {
      ::close(made.fd);
      throw;
    }
  });
}

}  // namespace weir::net::internal
