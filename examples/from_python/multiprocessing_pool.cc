// Pool.map is parallel_for: threads are enough to use all cores, so nothing is pickled and nothing is copied.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ranges>

#include "weir/weir.h"

namespace {

int divisors(int n) {
  return static_cast<int>(std::ranges::count_if(std::views::iota(1, n + 1), [n](int d) { return n % d == 0; }));
}

}  // namespace

int main() {
  return weir::run([] {
    std::array<int, 12> counts{};
    weir::parallel_for(std::views::iota(0, 12), [&](int i) { counts[i] = divisors(i + 1); });
    for (const int count : counts) std::printf("%d\n", count);
  });
}
