// A producer, four workers, and a main that waits for results, for the beat of a progress line, and for a time limit.
#include <cstdint>
#include <cstdio>

#include "weir/weir.h"

using namespace std::chrono_literals;

namespace {

struct result {
  std::uint64_t start;
  int steps;
};

// How many steps the Collatz sequence takes from `start` down to 1.
result crunch(std::uint64_t start) {
  result r{start, 0};
  for (std::uint64_t n = start; n != 1; ++r.steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  return r;
}

}  // namespace

int main() {
  return weir::run([] {
    constexpr std::uint64_t last = 100'000;
    auto [jobs, inbox] = weir::channel<std::uint64_t>(64, "jobs");
    auto [done, results] = weir::channel<result>(64, "results");
    result longest{1, 0};
    std::uint64_t seen = 0;

    weir::with_scope([&](weir::scope& s) {
      s.spawn("producer", [jobs = std::move(jobs)] {
        for (std::uint64_t start = 1; start <= last; ++start)
          if (!jobs.send(start)) return;  // false: nobody will ever receive
      });                                 // the last sender goes: the channel closes, and the workers' loops end
      for (int w = 0; w < 4; ++w)
        s.spawn("worker", [inbox = inbox, done = done] {
          for (std::uint64_t start : inbox)
            if (!done.send(crunch(start))) return;
        });
      inbox.reset(), done.reset();  // the workers hold the only copies now

      weir::ticker beat(1s);
      weir::timer limit(60s);  // made once: a timer inside the loop would start anew each turn
      while (weir::select(weir::on_recv(results,
                                        [&](std::optional<result> r) {
                                          if (!r) return false;  // closed: all is done
                                          ++seen;
                                          if (r->steps > longest.steps) longest = *r;
                                          return true;
                                        }),
                          weir::on_tick(beat, [&] { std::fprintf(stderr, "%ju of %ju\n", seen, last); }),
                          weir::on_timer(limit, [&] {
                            s.cancel();  // every actor of the scope ends at its next park
                            return false;
                          }))) {
      }
    });

    std::printf("%ju results; the longest sequence starts at %ju and takes %d steps\n", seen, longest.start,
                longest.steps);
    return seen == last ? 0 : 1;
  });
}
