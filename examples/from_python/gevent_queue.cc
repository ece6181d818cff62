// JoinableQueue: a channel in a scope, which ends when all is done. Channel: capacity 0, a send waits for its receive.
#include <algorithm>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    std::vector<int> squares;
    weir::mutex guard;
    weir::with_scope([&](weir::scope& s) {
      auto [tasks, inbox] = weir::channel<int>(4);
      for (int w = 0; w < 2; ++w)
        s.spawn("worker", [&, inbox = inbox] {
          for (const int n : inbox) {
            const std::lock_guard held(guard);
            squares.push_back(n * n);
          }
        });
      for (int n = 0; n < 8; ++n) tasks.send(n);
    });  // the only sender has gone, so the workers' loops end; the scope waits for that
    std::ranges::sort(squares);
    for (const int n : squares) std::printf("%d\n", n);

    auto [channel, words] = weir::channel<std::string>(0);
    auto give = weir::spawn("give", [channel = std::move(channel)] { channel.send("hand to hand"); });
    for (const std::string& word : words) std::printf("%s\n", word.c_str());
  });
}
