// yield: an actor that sends; the loop is its receiver. When the receiver goes, send is false, and the actor can end.
#include <cstdio>
#include <utility>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    auto [yield, numbers] = weir::channel<int>(0);
    auto fibonacci = weir::spawn("fibonacci", [yield = std::move(yield)] {
      int a = 0, b = 1;
      while (yield.send(a)) b += std::exchange(a, b);
      std::printf("generator ends\n");
    });

    for (const int n : numbers) {
      if (n > 20) break;
      std::printf("%d\n", n);
    }
    numbers.reset();
    fibonacci.join();
    std::printf("after it\n");
  });
}
