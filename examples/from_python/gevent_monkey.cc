// monkey patching: nothing is patched. What blocks is wrapped in blocking(), and the worker goes on with other actors.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "weir/weir.h"

namespace {

// Any function that blocks, here or in a library that knows nothing of weir.
std::string read_line(int from) {
  std::array<char, 80> line{};
  const ssize_t size = read(from, line.data(), line.size());
  return {line.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

}  // namespace

int main() {
  return weir::run([] {
    std::array<std::array<int, 2>, 2> pairs{};
    for (auto& p : pairs)
      if (socketpair(AF_UNIX, SOCK_STREAM, 0, p.data()) != 0) return 1;
    const auto reader = [&](std::size_t i) {
      return weir::spawn("reader", [from = pairs[i][0]] { return weir::blocking([&] { return read_line(from); }); });
    };
    auto first = reader(0), second = reader(1);
    for (const std::size_t i : {1, 0}) {
      const std::string line = "line " + std::to_string(i);
      if (write(pairs[i][1], line.data(), line.size()) < 0) return 1;
    }
    std::printf("%s\n", first.join().c_str());
    std::printf("%s\n", second.join().c_str());
    return 0;
  });
}
