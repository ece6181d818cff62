// Queue is a channel: bounded, typed, with two ends. When the last sender goes, the receiver's loop ends: no sentinel.
#include <cstdio>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    auto [queue, items] = weir::channel<int>(2);
    int count = 0;
    while (queue.try_send(count) == weir::send_status::ok) ++count;
    std::printf("full at %d\n", count);

    auto producer = weir::spawn("producer", [queue = std::move(queue)] {
      for (int n = 2; n < 6; ++n)
        if (!queue.send(n)) return;  // false: nobody will ever receive
    });
    for (const int n : items) std::printf("got %d\n", n);
  });
}
