// Executor: gather_each over offload, submit, as_completed.
#include <algorithm>
#include <cstdio>
#include <ranges>
#include <stdexcept>
#include <vector>

#include "weir/weir.h"

namespace {

// How many steps the Collatz sequence takes from n down to 1.
int steps(long n) {
  if (n < 1) throw std::invalid_argument("not a positive number");
  int count = 0;
  for (; n != 1; ++count) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  return count;
}

}  // namespace

int main() {
  return weir::run([] {
    const auto offloaded = [](long n) { return weir::offload([n] { return steps(n); }); };
    for (const int count : weir::gather_each(std::views::iota(1, 8), offloaded)) std::printf("%d\n", count);

    auto longest = weir::submit([] { return steps(97); });
    std::printf("submitted: %d\n", longest.get());

    std::vector<weir::actor<int>> actors;
    for (const long n : {6, 7, 9}) actors.push_back(weir::spawn([&offloaded, n] { return offloaded(n); }));
    std::vector<int> came;
    for (auto done : weir::as_completed(actors)) came.push_back(done.join());
    std::ranges::sort(came);
    std::printf("as they came: %d %d %d\n", came[0], came[1], came[2]);

    try {
      weir::submit([] { return steps(0); }).get();
    } catch (const std::invalid_argument& e) {
      std::printf("failed: %s\n", e.what());
    }
  });
}
