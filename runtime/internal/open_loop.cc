#include "weir/runtime/internal/open_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace weir::internal {
namespace {

// Without a descriptor for its signal pipe libuv 1.44 aborts when a process opens its first loop, and leaks the epoll
// set at each later one. So we see beforehand that there are as many as it will take: an epoll set, two pipes, an
// eventfd, and one to spare.
class spare_descriptors {
 public:
  spare_descriptors() {
    for (int& fd : fds_)
      if ((fd = eventfd(0, EFD_CLOEXEC)) < 0) {
        const int error = errno;
        close_all();
        throw std::system_error(error, std::generic_category(), "descriptors for a loop");
      }
  }
  spare_descriptors(const spare_descriptors&) = delete;
  ~spare_descriptors() { close_all(); }

 private:
  void close_all() noexcept {
    for (const int fd : fds_)
      if (fd >= 0) close(fd);
  }

  std::array<int, 7> fds_{-1, -1, -1, -1, -1, -1, -1};
};

}  // namespace

void open_loop(uv_loop_t& loop) {
  { const spare_descriptors tried; }
  if (const int error = uv_loop_init(&loop); error != 0)
    throw std::system_error(-error, std::generic_category(), "uv_loop_init");
}

}  // namespace weir::internal
