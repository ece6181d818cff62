// PriorityQueue, LifoQueue: an actor that owns the container, takes what comes, and offers what is on top of it.
#include <cstdio>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "weir/weir.h"

namespace {

void sort(const weir::receiver<int>& in, const weir::sender<int>& out) {
  std::priority_queue<int, std::vector<int>, std::greater<>> heap;
  bool open = true;
  while (open || !heap.empty())
    weir::select(weir::on_recv(in,
                               [&](std::optional<int> n) {
                                 open = n.has_value();
                                 if (n) heap.push(*n);
                               })
                     .when(open),
                 weir::on_send(out, heap.empty() ? 0 : heap.top(), [&] { heap.pop(); }).when(!heap.empty()));
}

}  // namespace

int main() {
  return weir::run([] {
    auto [put, in] = weir::channel<int>(0);
    auto [out, get] = weir::channel<int>(0);
    auto queue = weir::spawn("queue", [in = std::move(in), out = std::move(out)] { sort(in, out); });
    for (const int n : {3, 1, 2}) put.send(n);
    for (int i = 0; i < 3; ++i) std::printf("%d\n", *get.recv());
  });
}
