// shield: what runs in shielded() is finished; the cancel arrives at the next park after it.
#include <cstdio>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    weir::event begun, go;
    auto task = weir::spawn("worker", [&] {
      weir::shielded([&] {
        begun.set();
        go.wait();  // a cancel does not end this wait; a grace, shielded(5s, ...), would limit it
        std::printf("saved\n");
      });
      weir::this_actor::check_cancel();
      std::printf("never printed\n");
    });

    begun.wait();
    task.cancel();
    go.set();
    try {
      task.join();
    } catch (const weir::actor_cancelled&) {
      std::printf("then cancelled\n");
    }
  });
}
