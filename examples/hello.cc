// Two actors, one channel, one select.
#include <cstdio>

#include "weir/weir.h"

using namespace std::chrono_literals;

int main() {
  return weir::run([] {
    auto [tx, rx] = weir::channel<int>(4, "numbers");
    weir::with_scope([&](weir::scope& s) {
      s.spawn("producer", [tx = std::move(tx)] {
        for (int i = 1; i <= 3; ++i) {
          weir::this_actor::sleep(10ms);
          if (!tx.send(i)) return;  // false: nobody will ever receive
        }
      });  // the last sender goes: the channel closes
      weir::timer limit(1s);
      while (weir::select(
          weir::on_recv(rx,
                        [](std::optional<int> n) {
                          if (n) std::printf("got %d\n", *n);
                          return n.has_value();
                        }),
          weir::on_timer(limit, [] {
            std::printf("too late\n");
            return false;
          }))) {
      }
    });
  });
}
