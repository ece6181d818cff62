// A program in somebody else's workspace: prints 6. Its unused and shadowing names would stop weir's own build; here
// they must not even warn, because weir's warning flags are its own.
#include <cstdio>
#include <utility>

#include "weir/channels/channel.h"
#include "weir/runtime/runtime.h"

static int consume(int unused) {
  int sum = 0;
  auto [tx, rx] = weir::channel<int>(2);
  auto producer = weir::spawn("producer", [tx = std::move(tx)] {
    for (int i = 1; i <= 3; ++i) tx.send(i);
  });
  for (int& value : rx) {
    int unused = value;
    sum += unused;
  }
  producer.join();
  return sum;
}

int main() {
  return weir::run([] { std::printf("%d\n", consume(0)); });
}
