// create_task is weir::spawn, await is join. The handle owns its actor: one that goes unjoined cancels it and waits.
#include <cstdio>
#include <string>

#include "weir/weir.h"

namespace {

int square(int n) {
  weir::this_actor::yield();
  return n * n;
}

}  // namespace

int main() {
  return weir::run([] {
    auto task = weir::spawn("square", [] { return square(7); });  // runs at once, on whichever core is free
    const std::string name(task.name());
    std::printf("%s gives %d\n", name.c_str(), task.join());

    weir::event never;
    auto waiting = weir::spawn([&] { never.wait(); });
    waiting.cancel();
    try {
      waiting.join();
    } catch (const weir::actor_cancelled&) {
      std::printf("it was cancelled\n");
    }
  });
}
