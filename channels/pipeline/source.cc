#include "weir/channels/pipeline/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "weir/runtime/blocking.h"

namespace weir::internal {
namespace {

// Of what is not a file, too, or cannot be asked: 0.
std::int64_t size_of(int fd) noexcept {
  struct stat about;
  return fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) ? about.st_size : 0;
}

}  // namespace

lines_source::file::file(const std::string& path)
    : path_(path),
      fd_(blocking([&] {
        const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        return fd >= 0 ? fd : -errno;  // of that thread
      })),
      size_(size_of(fd_)) {
  if (fd_ < 0) throw std::system_error(-fd_, std::generic_category(), "lines: open " + path);
}
lines_source::file::~file() { close(fd_); }

bool lines_source::file::read(std::string& rest, std::vector<std::string>& lines, stage_meter& m) const {
  constexpr std::size_t block = 256 * 1024;
  const std::size_t had = rest.size();
  int error = 0;
  const auto read_block = [&] {
    const meter_wait::span starved(m.starved);
    return blocking([&] {
      rest.resize(had + block);
      ssize_t n;
      do n = ::read(fd_, rest.data() + had, block);
      while (n < 0 && errno == EINTR);
      if (n < 0) error = errno;
      return n;
    });
  };
  const ssize_t got = read_block();
  rest.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got > 0) m.bytes.add(got);
  if (got < 0) throw std::system_error(error, std::generic_category(), "lines: read " + path_);
  std::size_t start = 0;
  for (std::size_t end; (end = rest.find('\n', std::max(start, had))) != std::string::npos; start = end + 1)
    lines.push_back(rest.substr(start, end - start));
  rest.erase(0, start);
  return got > 0;
}

}  // namespace weir::internal
