// as_completed: actors in the order in which they end, here the last one first, as each lets the one before it go.
#include <array>
#include <cstdio>
#include <vector>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    std::array<weir::event, 3> go;
    std::vector<weir::actor<std::size_t>> steps;
    for (std::size_t n = 0; n < go.size(); ++n)
      steps.push_back(weir::spawn("step", [&go, n] {
        go[n].wait();
        return n;
      }));

    go[2].set();
    for (auto done : weir::as_completed(steps)) {
      const std::size_t n = done.join();  // and done.index is its place in `steps`
      std::printf("finished %zu\n", n);
      if (n > 0) go[n - 1].set();
    }
  });
}
