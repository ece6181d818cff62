// Parks actors (1 000 000, or as many as the argument says), each of which has run, parked and woken once, and prints
// what one costs.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "bench/idle/parked.h"

int main(int argc, char** argv) {
  const long long actors = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
  if (argc > 2 || actors < 1) {
    std::fprintf(stderr, "%s: takes the number of actors, at least 1; for a million write: idle 1000000\n", argv[0]);
    return 2;
  }
  try {
    const bench::parked_figures f = bench::park(2, actors);
    if (f.wakes != 4 * actors) {
      std::fprintf(stderr, "idle: %lld wake-ups, not %lld\n", static_cast<long long>(f.wakes), 4 * actors);
      return 3;
    }
    std::printf(
        "%lld actors ran, parked, woke once and parked again\n"
        "  memory        %7.0f B each (resident, with page tables)\n"
        "  mappings      %7lld in the process\n"
        "  create        %7.0f ns each, on fresh stacks\n"
        "  create again  %7.0f ns each, when as many have just ended\n"
        "  wake and end  %7.0f ns each\n",
        actors, f.bytes_each, static_cast<long long>(f.mappings), f.fresh_ns, f.pooled_ns, f.wake_ns);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "idle: %s\n", e.what());
    return 1;
  }
}
