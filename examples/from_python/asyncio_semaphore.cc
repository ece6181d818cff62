// Semaphore: six workers, two at a time; the barrier has them come in twos, so that there are really two.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <ranges>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    weir::semaphore permits(2);
    weir::barrier pair(2);
    std::atomic<int> inside{0};
    const auto seen = weir::gather_each(std::views::iota(0, 6), [&](int) {
      const std::lock_guard permit(permits);  // one of them, until the end of the block
      const int now = ++inside;
      pair.arrive_and_wait();
      --inside;
      return now;
    });
    std::printf("at most %d at once\n", *std::ranges::max_element(seen));
  });
}
