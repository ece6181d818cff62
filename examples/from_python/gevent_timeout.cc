// Timeout: with_timeout throws; within gives a bool or an optional instead; one call takes a deadline.
#include <cstdio>
#include <string>

#include "weir/weir.h"

using namespace std::chrono_literals;

int main() {
  return weir::run([] {
    weir::event never;

    try {
      weir::with_timeout(10ms, [&] { never.wait(); });
    } catch (const weir::timed_out&) {
      std::printf("Timeout: raised\n");
    }

    const bool finished = weir::within(10ms, [&] { never.wait(); });
    std::printf("silent Timeout, finished: %s\n", finished ? "True" : "False");

    const auto came = weir::within(10ms, [&] {
      never.wait();
      return std::string("something");
    });
    std::printf("with_timeout: %s\n", came.value_or("nothing").c_str());
    std::printf("one call: %s\n", never.wait(10ms) ? "True" : "False");
  });
}
