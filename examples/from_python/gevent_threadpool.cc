// ThreadPool: apply is offload, spawn is submit, map is parallel_for; here with a pool of one's own.
#include <array>
#include <cstdio>
#include <ranges>

#include "weir/weir.h"

namespace {

int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

}  // namespace

int main() {
  return weir::run([] {
    weir::cpu_pool pool({.threads = 2});
    std::printf("%d\n", weir::offload(pool, [] { return fib(15); }));
    auto job = pool.submit([] { return fib(10); });
    std::printf("%d\n", job.get());

    std::array<int, 10> numbers{};
    weir::parallel_for(std::views::iota(0, 10), [&](int n) { numbers[n] = fib(n); }, {.pool = &pool});
    for (const int n : numbers) std::printf("%d\n", n);
  });
}
