// spawn, joinall, get, kill: spawn, join_all, join, cancel.
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "weir/weir.h"

namespace {

int square(int n) {
  weir::this_actor::yield();
  return n * n;
}

struct cleanup {
  ~cleanup() { std::printf("killed, and cleans up\n"); }
};

}  // namespace

int main() {
  return weir::run([] {
    std::vector<weir::actor<int>> jobs;
    for (int n = 0; n < 5; ++n) jobs.push_back(weir::spawn("square", [n] { return square(n); }));
    for (const int n : weir::join_all(jobs)) std::printf("%d\n", n);

    try {
      weir::spawn([] { throw std::domain_error("not a number"); }).join();
    } catch (const std::domain_error&) {
      std::printf("get raised what ended it\n");
    }

    weir::event begun, never;
    auto job = weir::spawn("stuck", [&] {
      const cleanup finally;
      begun.set();
      never.wait();
    });
    begun.wait();
    job.cancel();  // returns at once; the cancel arrives where the actor waits
    std::printf("dead %s\n", job.wait() ? "True" : "False");
  });
}
