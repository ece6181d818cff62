// Thread, Lock, queue.Queue: actors, weir::mutex, channels. A million of them, on all cores, without the GIL.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <mutex>
#include <vector>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    int total = 0;
    weir::mutex lock;
    weir::with_scope([&](weir::scope& s) {
      for (int t = 0; t < 4; ++t)
        s.spawn("add", [&] {
          for (int i = 0; i < 1000; ++i) {
            const std::lock_guard held(lock);
            ++total;
          }
        });
    });
    std::printf("total %d\n", total);

    auto [out, results] = weir::unbounded<int>();
    weir::with_scope([&](weir::scope& s) {
      auto [tasks, inbox] = weir::channel<int>(4);
      for (int w = 0; w < 2; ++w)
        s.spawn("square", [inbox = inbox, out = out] {
          for (const int n : inbox)
            if (!out.send(n * n)) return;
        });
      for (int n = 0; n < 6; ++n) tasks.send(n);
    });  // the only sender of tasks has gone, so the workers' loops end; the scope waits for that
    out.reset();
    std::vector<int> squares;
    std::ranges::copy(results, std::back_inserter(squares));
    std::ranges::sort(squares);
    for (const int n : squares) std::printf("%d\n", n);
  });
}
