// wait(FIRST_COMPLETED) is join_any; a timeout is its last argument; for all of them call wait() of each.
#include <cstdio>
#include <string>
#include <vector>

#include "weir/weir.h"

using namespace std::chrono_literals;

int main() {
  return weir::run([] {
    weir::event never;
    std::vector<weir::actor<void>> tasks;
    tasks.push_back(weir::spawn("slow", [&] { never.wait(); }));
    tasks.push_back(weir::spawn("fast", [] {}));

    const std::size_t first = *weir::join_any(tasks);  // its place; the result is still to be had from its join()
    std::printf("first: %s\n", std::string(tasks[first].name()).c_str());
    weir::actor<void>& pending = tasks[1 - first];

    std::printf("within 10 ms: %d\n", pending.wait(10ms));

    pending.cancel();
    pending.wait();
    std::printf("ended: %s\n", std::string(pending.name()).c_str());
  });
}
