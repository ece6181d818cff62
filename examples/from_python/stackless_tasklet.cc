// tasklet, run, kill: an actor, the scope that waits for its actors, cancel.
#include <algorithm>
#include <cstdio>
#include <mutex>
#include <vector>

#include "weir/weir.h"

namespace {

struct cleanup {
  ~cleanup() { std::printf("killed, and cleans up\n"); }
};

}  // namespace

int main() {
  return weir::run([] {
    std::vector<int> squares;
    weir::mutex guard;
    weir::with_scope([&](weir::scope& s) {
      for (int n = 0; n < 4; ++n)
        s.spawn("work", [&, n] {
          const std::lock_guard held(guard);  // tasklets take turns, actors run at the same time
          squares.push_back(n * n);
        });
    });
    std::ranges::sort(squares);
    std::printf("%d %d %d %d\n", squares[0], squares[1], squares[2], squares[3]);

    weir::event begun, never;
    auto waiting = weir::spawn("stuck", [&] {
      const cleanup finally;
      begun.set();
      never.wait();
    });
    begun.wait();
    waiting.cancel();
    std::printf("alive %s\n", waiting.wait() ? "False" : "True");
  });
}
