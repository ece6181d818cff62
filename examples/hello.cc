// Two actors, a channel between them, and a timer: whichever comes first.
#include <cstdio>

#include "weir/weir.h"

using namespace std::chrono_literals;

int main() {
  return weir::run([] {  // one worker per core; this lambda is the first actor
    auto [tx, rx] = weir::channel<int>(4);
    weir::with_scope([&](weir::scope& s) {  // ends when every actor in it has ended
      s.spawn("producer", [tx = std::move(tx)] {
        for (int i = 1; i <= 3; ++i)
          if (!tx.send(i * i)) return;  // false: nobody will ever receive
      });                               // the last sender goes: the channel closes

      weir::timer limit(10s);
      const auto show = [](std::optional<int> n) {
        if (n) std::printf("got %d\n", *n);
        return n.has_value();  // empty: closed, and nothing is left in it
      };
      while (weir::select(weir::on_recv(rx, show), weir::on_timer(limit, [] { return false; }))) {
      }
    });
  });
}
