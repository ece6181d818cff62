// parent: whoever holds the handle. join() gives it the result or the exception; cancel() ends one that waits.
#include <cstdio>
#include <stdexcept>

#include "weir/weir.h"

namespace {

int work(int n) {
  if (n < 0) throw std::invalid_argument("negative");
  return n * n;
}

struct cleanup {
  ~cleanup() { std::printf("it cleans up\n"); }
};

}  // namespace

int main() {
  return weir::run([] {
    std::printf("result %d\n", weir::spawn([] { return work(7); }).join());
    try {
      weir::spawn([] { return work(-7); }).join();
    } catch (const std::invalid_argument& e) {
      std::printf("the parent gets: %s\n", e.what());
    }

    weir::event waits, never;
    auto waiting = weir::spawn("stuck", [&] {
      const cleanup finally;
      waits.set();
      never.wait();
    });
    waits.wait();
    std::printf("it waits\n");
    waiting.cancel();
    std::printf("dead %s\n", waiting.wait() ? "True" : "False");
  });
}
