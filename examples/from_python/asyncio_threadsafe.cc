// From a thread into the runtime: runtime::spawn, and any channel; join and send block the thread instead of parking.
#include <cstdio>
#include <thread>

#include "weir/weir.h"

int main() {
  weir::runtime loop;
  auto [queue, numbers] = weir::channel<int>(8);
  std::jthread thread([&loop, queue = std::move(queue)] {
    for (int n = 0; n < 3; ++n) {
      auto squared = loop.spawn("square", [n] { return n * n; });
      if (!queue.send(squared.join())) return;
    }
  });
  return loop.run([&] {
    for (const int n : numbers) std::printf("from the thread: %d\n", n);
  });
}
