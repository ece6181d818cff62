// The dining philosophers: five actors, five forks, which are mutexes. `dining` lets them eat; `dining --wrong` has
// each take the left fork first, until nobody can go on, and weir says who holds what.
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "weir/weir.h"

namespace {

constexpr std::size_t seats = 5;
constexpr int meals = 1000;
constexpr std::array names{"Kant", "Hume", "Mill", "Marx", "Weil"};

}  // namespace

int main(int argc, char** argv) {
  const bool wrong = argc == 2 && std::strcmp(argv[1], "--wrong") == 0;
  if (argc > 1 && !wrong) {
    std::fprintf(stderr, "dining: the only option is --wrong; got \"%s\"\n", argv[1]);
    return 2;
  }
  return weir::run([wrong] {
    std::array<weir::mutex, seats> forks;
    std::array<int, seats> eaten{};
    weir::barrier seated(seats);

    weir::with_scope([&](weir::scope& s) {
      for (std::size_t seat = 0; seat < seats; ++seat)
        s.spawn(names[seat], [&, seat] {
          weir::mutex& left = forks[seat];
          weir::mutex& right = forks[(seat + 1) % seats];
          if (wrong) {
            const std::lock_guard first(left);
            seated.arrive_and_wait();             // everybody has the left fork by now
            const std::lock_guard second(right);  // for ever: the circle is closed
            ++eaten[seat];
          }
          while (eaten[seat] < meals) {
            const std::scoped_lock both(left, right);  // takes both, or lets go of the one and begins again
            ++eaten[seat];
            weir::this_actor::yield();
          }
        });
    });
    for (std::size_t seat = 0; seat < seats; ++seat) std::printf("%s has eaten %d times\n", names[seat], eaten[seat]);
  });
}
