// add_reader: on_fd, a case of select, for descriptors that a foreign library owns. One alone: weir::wait_fd.
#include <unistd.h>

#include <array>
#include <cstdio>

#include "weir/weir.h"

namespace {

// False: there is no more.
bool read_and_print(int from) {
  std::array<char, 80> text;
  const ssize_t size = read(from, text.data(), text.size());
  if (size > 0)
    std::printf("read %.*s\n", static_cast<int>(size), text.data());
  else
    std::printf("read all\n");
  return size > 0;
}

}  // namespace

int main() {
  return weir::run([] {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0 || write(ends[1], "some bytes", 10) != 10) return 1;
    close(ends[1]);
    while (weir::select(weir::on_fd(ends[0], weir::fd_event::readable, [&] { return read_and_print(ends[0]); }))) {
    }
    return close(ends[0]);
  });
}
