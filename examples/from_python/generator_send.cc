// send: a channel into the actor, and another one out of it.
#include <cstdio>

#include "weir/weir.h"

namespace {

void running_mean(const weir::receiver<double>& values, const weir::sender<double>& yield) {
  double total = 0;
  int count = 0;
  for (const double value : values) {
    total += value;
    if (!yield.send(total / ++count)) return;
  }
}

}  // namespace

int main() {
  return weir::run([] {
    auto [send, values] = weir::channel<double>(0);
    auto [yield, means] = weir::channel<double>(0);
    auto mean =
        weir::spawn("mean", [values = std::move(values), yield = std::move(yield)] { running_mean(values, yield); });
    for (const double value : {10, 20, 60}) {
      send.send(value);
      std::printf("%.1f\n", *means.recv());
    }
  });
}
