// pool.Pool: gather_each with .parallel, or a scope with .limit, in which spawn waits for a place.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iterator>
#include <ranges>
#include <vector>

#include "weir/weir.h"

namespace {

int square(int n) {
  weir::this_actor::yield();
  return n * n;
}

}  // namespace

int main() {
  return weir::run([] {
    for (const int n : weir::gather_each(std::views::iota(0, 5), square, {.parallel = 2})) std::printf("%d\n", n);

    auto [out, results] = weir::channel<int>(8);  // unordered: each sends its result when it has it
    weir::gather_each(std::views::iota(0, 5), [out = std::move(out)](int n) { out.send(square(n)); }, {.parallel = 2});
    std::vector<int> squares;
    std::ranges::copy(results, std::back_inserter(squares));
    std::ranges::sort(squares);
    for (const int n : squares) std::printf("%d\n", n);

    std::atomic<int> spawned{0};
    weir::with_scope({.limit = 2}, [&](weir::scope& s) {
      for (int n = 0; n < 3; ++n) s.spawn([&] { ++spawned; });
    });
    std::printf("%d spawned\n", spawned.load());
  });
}
