// libev: a selector is the loop, its cases are the watchers: a signal, a beat, and a channel that a thread sends to.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "weir/weir.h"

using namespace std::chrono_literals;

int main() {
  return weir::run([] {
    weir::selector loop;
    weir::ticker beat(10ms);
    auto [wake, woken] = weir::channel<int>(1);
    std::jthread thread;
    weir::selector::id tick{};
    int ticks = 0;
    bool done = false;

    loop.add(weir::on_signal(SIGUSR1, [&] {
      std::printf("a signal\n");
      loop.when(tick, true);
    }));
    tick = loop.add(weir::on_tick(beat, [&, wake = wake] {
      std::printf("tick %d\n", ++ticks);
      if (ticks < 3) return;
      loop.when(tick, false);
      thread = std::jthread([wake] { wake.send(0); });
    }));
    loop.when(tick, false);
    loop.add(weir::on_recv(woken, [&](std::optional<int>) {
      std::printf("woken by a thread\n");
      done = true;
    }));

    kill(getpid(), SIGUSR1);
    while (!done) loop.select();
  });
}
