// add_signal_handler, call_later: signals and timers are cases of the same select as channels; no callbacks are needed.
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "weir/weir.h"

using namespace std::chrono_literals;

int main() {
  return weir::run([] {
    weir::selector loop;
    weir::timer later(weir::deadline::never());
    bool done = false;
    loop.add(weir::on_signal(SIGUSR1, [&] {
      std::printf("a signal\n");
      later.reset(10ms);
    }));
    loop.add(weir::on_timer(later, [&] {
      std::printf("a timer\n");
      done = true;
    }));

    kill(getpid(), SIGUSR1);
    while (!done) loop.select();
  });
}
