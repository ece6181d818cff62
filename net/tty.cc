#include "weir/net/tty.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "weir/net/error.h"

namespace weir::net {
namespace {

std::string name_of_descriptor(int fd) { return fmt::format("descriptor {}", fd); }

// Once what was written has gone out; read-ahead stays. The call is interrupted by signals of every kind.
int set_mode(int fd, const termios& mode) noexcept {
  int result;
  do {
    result = tcsetattr(fd, TCSADRAIN, &mode);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

std::optional<terminal_extent> terminal_size(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0) return terminal_extent{size.ws_col, size.ws_row};
  if (errno == EBADF) throw_errno("terminal_size", name_of_descriptor(fd));
  return std::nullopt;
}

raw_mode::raw_mode(int fd) : raw_mode(fd, options{}) {}

raw_mode::raw_mode(int fd, options o) : fd_(fd) {
  if (tcgetattr(fd, &before_) != 0) throw_errno("raw_mode", name_of_descriptor(fd));
  termios raw = before_;
  cfmakeraw(&raw);
  if (o.signals) raw.c_lflag |= ISIG;
  if (set_mode(fd, raw) != 0) throw_errno("raw_mode", name_of_descriptor(fd));
}

raw_mode::~raw_mode() { set_mode(fd_, before_); }  // an error: the terminal is gone

}  // namespace weir::net
