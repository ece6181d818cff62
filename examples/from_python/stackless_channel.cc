// channel: capacity 0, send and receive meet; waiting() tells who waits; close(cause) instead of send_exception.
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    auto [channel, numbers] = weir::channel<int>(0);
    auto producer = weir::spawn("produce", [channel = channel] {
      for (int n = 0; n < 3; ++n)
        if (!channel.send(n)) return;
      channel.close("the disk is full");
    });

    while (channel.waiting() == 0) weir::this_actor::yield();
    std::printf("waiting to send: %zu\n", channel.waiting());
    for (const int n : numbers) std::printf("got %d\n", n);
    try {
      if (numbers.cause()) std::rethrow_exception(numbers.cause());
    } catch (const std::runtime_error& e) {
      std::printf("raised: %s\n", e.what());
    }
  });
}
