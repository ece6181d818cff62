// wait_for: with_timeout throws, within gives an optional, and every call that can park takes a deadline.
#include <cstdio>

#include "weir/weir.h"

using namespace std::chrono_literals;

int main() {
  return weir::run([] {
    weir::event never;
    try {
      weir::with_timeout(10ms, [&] { never.wait(); });  // holds for all that runs in it, actors of it included
    } catch (const weir::timed_out&) {
      std::printf("wait_for: the time is up\n");
    }

    const bool was_set = never.wait(10ms);
    std::printf(was_set ? "timeout: it was set\n" : "timeout: the time is up\n");

    if (const auto answer = weir::within(60s, [] { return 42; })) std::printf("in time: %d\n", *answer);
  });
}
