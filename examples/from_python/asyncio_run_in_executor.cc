// run_in_executor: submit() gives a future, offload() waits for the result; both compute on as many cores as there are.
#include <cstdio>

#include "weir/weir.h"

namespace {

int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

}  // namespace

int main() {
  return weir::run([] {
    {
      weir::cpu_pool pool({.threads = 2});
      auto twenty = pool.submit([] { return fib(20); });
      auto ten = pool.submit([] { return fib(10); });
      std::printf("%d ", ten.get());
      std::printf("%d\n", twenty.get());
    }
    std::printf("%d\n", weir::offload([] { return fib(15); }));  // the runtime's own pool
  });
}
