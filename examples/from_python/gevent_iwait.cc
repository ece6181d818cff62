// iwait is as_completed; wait(count=1) is join_any. Here they end backwards, as each lets the one before it go.
#include <array>
#include <cstdio>
#include <vector>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    std::array<weir::event, 3> go;
    std::vector<weir::actor<std::size_t>> jobs;
    for (std::size_t n = 0; n < go.size(); ++n)
      jobs.push_back(weir::spawn("job", [&go, n] {
        go[n].wait();
        return n;
      }));

    go[2].set();
    std::printf("first %zu\n", *weir::join_any(jobs));  // its place; it stays among those that as_completed gives
    for (auto ended : weir::as_completed(jobs)) {
      std::printf("ended %zu\n", ended.join());
      if (ended.index > 0) go[ended.index - 1].set();
    }
  });
}
