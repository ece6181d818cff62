// Four ways not to wait for ever: a limit on one call, on one select, on a whole loop, and on everything a function
// does.
#include <cstdio>

#include "weir/weir.h"

using namespace std::chrono_literals;

int main() {
  return weir::run([] {
    auto [tx, rx] = weir::channel<int>(0);

    // One call: the last argument of whatever can park is a deadline.
    if (rx.recv(10ms).status() == weir::recv_status::timeout) std::printf("recv: nothing came within 10 ms\n");

    // One select: after() counts from each call anew.
    weir::select(weir::on_recv(rx, [](auto) { std::printf("select: a value\n"); }),
                 weir::after(10ms, [] { std::printf("select: nothing came within 10 ms\n"); }));

    // A loop: a timer is made once, and bounds all its turns; a ticker keeps a beat meanwhile.
    weir::with_scope([&, tx = std::move(tx)](weir::scope& s) mutable {
      s.spawn("drip", [tx = std::move(tx)] {
        for (int drop = 1; tx.send(drop); ++drop) weir::this_actor::sleep(1ms);
      });
      weir::timer limit(200ms);
      weir::ticker beat(20ms);
      int drops = 0, beats = 0;
      while (weir::select(weir::on_recv(rx,
                                        [&](std::optional<int> drop) {
                                          drops += drop.has_value();
                                          return true;
                                        }),
                          weir::on_tick(beat, [&] { ++beats; }), weir::on_timer(limit, [] { return false; }))) {
      }
      std::printf("loop: %s drops and %s beats in 200 ms\n", drops > 1 ? "several" : "too few",
                  beats > 1 ? "several" : "too few");
      s.cancel();  // drip ends at its next wait
    });

    // Everything inside: within() gives an empty optional, with_timeout() throws.
    const auto answer = weir::within(10ms, [] {
      weir::this_actor::sleep(10s);
      return 42;
    });
    std::printf("within: %s\n", answer ? "an answer" : "no answer within 10 ms");
    try {
      weir::with_timeout(10ms, [] { weir::this_actor::sleep(10s); });
    } catch (const weir::timed_out&) {
      std::printf("with_timeout: timed out\n");
    }
  });
}
