// sleep: never less than asked for. sleep(0) is yield(). spawn_later: an actor that sleeps first.
#include <atomic>
#include <chrono>
#include <cstdio>

#include "weir/weir.h"

using namespace std::chrono_literals;
using std::chrono::steady_clock;

int main() {
  return weir::run([] {
    const auto begun = steady_clock::now();
    weir::this_actor::sleep(20ms);
    std::printf("slept 20 ms: %s\n", steady_clock::now() - begun >= 20ms ? "True" : "False");

    std::atomic<bool> done{false};  // atomic, as the other may run on another core at the same time
    auto other = weir::spawn([&] { done = true; });
    while (!done) weir::this_actor::yield();
    std::printf("sleep(0) let the other run\n");

    auto later = weir::spawn([] {
      weir::this_actor::sleep(10ms);
      return "later";
    });
    std::printf("%s\n", later.join());
  });
}
