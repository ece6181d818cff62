// Lock, Condition, Event: weir::mutex, weir::condition, weir::event, for actors and threads alike.
#include <cstdio>
#include <mutex>
#include <ranges>
#include <string>
#include <vector>

#include "weir/weir.h"

int main() {
  return weir::run([] {
    weir::mutex lock;
    int total = 0;
    weir::gather_each(std::views::iota(0, 4), [&](int) {
      for (int i = 0; i < 100; ++i) {
        const std::lock_guard held(lock);
        const int seen = total;
        weir::this_actor::yield();  // may be kept over a park, and over a move to another thread
        total = seen + 1;
      }
    });
    std::printf("total %d\n", total);

    weir::condition changed;
    std::vector<std::string> stock;
    auto delivery = weir::spawn("delivery", [&] {
      for (const char* item : {"salt", "rice", "tea"}) {
        const std::lock_guard held(lock);
        stock.push_back(item);
        changed.notify_one();
      }
    });
    std::unique_lock held(lock);
    changed.wait(held, [&] { return stock.size() == 3; });
    std::printf("stock %s %s %s\n", stock[0].c_str(), stock[1].c_str(), stock[2].c_str());

    weir::event go;
    std::vector<weir::actor<bool>> waiters;
    for (int i = 0; i < 3; ++i) waiters.push_back(weir::spawn("waiter", [&] { return go.wait(); }));
    go.set();
    int let_go = 0;
    for (const bool went : weir::join_all(waiters)) let_go += went;
    std::printf("let go %d\n", let_go);
  });
}
