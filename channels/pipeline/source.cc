#include "weir/channels/pipeline/source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "weir/runtime/blocking.h"

namespace weir::internal {

lines_source::file::file(const std::string& path)
    : path_(path), fd_(blocking([&] {
        const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        return fd >= 0 ? fd : -errno;  // of that thread
      })) {
  if (fd_ < 0) throw std::system_error(-fd_, std::generic_category(), "lines: open " + path);
}
lines_source::file::~file() { close(fd_); }

bool lines_source::file::read(std::string& rest, std::vector<std::string>& lines, stage_meter& m) const {
  constexpr std::size_t block = 256 * 1024;
  const time_point begin = now();
  const std::size_t had = rest.size();
  int error = 0;
  const ssize_t got = blocking([&] {
    rest.resize(had + block);
    ssize_t n;
    do n = ::read(fd_, rest.data() + had, block);
    while (n < 0 && errno == EINTR);
    if (n < 0) error = errno;
    return n;
  });
  m.starved.add((now() - begin).count());
  rest.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got < 0) throw std::system_error(error, std::generic_category(), "lines: read " + path_);
  std::size_t start = 0;
  for (std::size_t end; (end = rest.find('\n', std::max(start, had))) != std::string::npos; start = end + 1)
    lines.push_back(rest.substr(start, end - start));
  rest.erase(0, start);
  return got > 0;
}

}  // namespace weir::internal
