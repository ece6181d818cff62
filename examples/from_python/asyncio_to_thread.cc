// to_thread is blocking(): a call that waits in the kernel, on a thread of its own, so that the worker goes on.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "weir/weir.h"

namespace {

std::string read_line(std::FILE* from) {
  std::array<char, 80> line{};
  return std::fgets(line.data(), line.size(), from) ? line.data() : "";
}

}  // namespace

int main() {
  return weir::run([] {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return 1;
    std::FILE* const reading = fdopen(ends[0], "r");
    std::FILE* const writing = fdopen(ends[1], "w");
    auto line = weir::spawn("reader", [&] { return weir::blocking([&] { return read_line(reading); }); });
    std::fputs("from the pipe\n", writing);
    std::fclose(writing);
    std::printf("read %s", line.join().c_str());
    return std::fclose(reading);
  });
}
