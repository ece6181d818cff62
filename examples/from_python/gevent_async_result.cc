// AsyncResult: a watch, which any number may wait for. With one reader take a oneshot; whoever computes it, an actor's
// join() is one already. What fails says so by closing with a cause.
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <vector>

#include "weir/weir.h"

using namespace std::chrono_literals;

int main() {
  return weir::run([] {
    auto [answer, result] = weir::watch(std::optional<int>());
    const auto is_set = [](const std::optional<int>& value) { return value.has_value(); };
    std::vector<weir::actor<int>> readers;
    for (int r = 0; r < 3; ++r)
      readers.push_back(weir::spawn("reader", [result = result, is_set] { return **result.wait_for(is_set); }));
    if (!result.wait_for(is_set, 10ms)) std::printf("not yet\n");
    answer.set(42);
    const auto got = weir::join_all(readers);
    std::printf("%d %d %d\n", got[0], got[1], got[2]);

    auto [reply, failed] = weir::channel<int>(1);
    reply.close("no route");
    try {
      if (!failed.recv()) std::rethrow_exception(failed.cause());
    } catch (const std::runtime_error& e) {
      std::printf("failed: %s\n", e.what());
    }
  });
}
