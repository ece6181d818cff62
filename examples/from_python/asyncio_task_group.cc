// TaskGroup is a scope: it ends when all its actors have, and the first failure cancels the others and is rethrown.
#include <cstdio>
#include <stdexcept>

#include "weir/weir.h"

namespace {

struct cleanup {  // instead of finally: a destructor, which runs when a cancel arrives as well
  ~cleanup() { std::printf("reader cleans up\n"); }
};

}  // namespace

int main() {
  return weir::run([] {
    const int result = weir::with_scope([](weir::scope& s) {
      auto task = s.spawn([] { return 2 * 21; });
      return task.join();
    });
    std::printf("result %d\n", result);

    weir::event reading, never;
    try {
      weir::with_scope([&](weir::scope& s) {
        s.spawn("reader", [&] {
          const cleanup finally;
          reading.set();
          never.wait();
        });
        s.spawn("writer", [&] {
          reading.wait();
          throw std::runtime_error("disk full");
        });
      });
    } catch (const std::runtime_error& failure) {  // the others, if any: scope_options.failures
      std::printf("failed: %s\n", failure.what());
    }
  });
}
