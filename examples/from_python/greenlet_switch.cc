// switch: two actors play a ball to each other. Whoever does not have it waits: the channel says whose turn it is.
#include <cstdio>

#include "weir/weir.h"

namespace {

const char* play(const char* name, const weir::receiver<int>& mine, const weir::sender<int>& opponent) {
  for (const int ball : mine) {
    if (ball == 6) return name;
    std::printf("%s %d\n", name, ball);
    opponent.send(ball + 1);
  }
  return "nobody";  // the other one has gone, and its sender with it
}

}  // namespace

int main() {
  return weir::run([] {
    auto [to_ping, pings] = weir::channel<int>(0);
    auto [to_pong, pongs] = weir::channel<int>(0);
    auto ping = weir::spawn(
        "ping", [mine = std::move(pings), opponent = std::move(to_pong)] { return play("ping", mine, opponent); });
    auto pong =
        weir::spawn("pong", [mine = std::move(pongs), opponent = to_ping] { return play("pong", mine, opponent); });
    to_ping.send(0);
    std::printf("%s drops it\n", ping.join());
  });
}
