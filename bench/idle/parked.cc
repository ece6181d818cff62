#include "bench/idle/parked.h"

#include <atomic>
#include <chrono>
#include <utility>

#include "bench/harness/memory.h"

namespace bench {
namespace {

using clock_type = std::chrono::steady_clock;

double nanoseconds_since(clock_type::time_point start) {
  return std::chrono::duration<double, std::nano>(clock_type::now() - start).count();
}

// Nobody sends: it opens when its sender goes.
struct gate {
  weir::channel_ends<char> ends = weir::channel<char>(0);
  void open() { ends.tx.reset(); }
};

// One round: spawn, park, wake, park again, look, wake and end.
class round {
 public:
  round(std::int64_t actors, weir::spawn_options how) : actors_(actors), how_(how), countdown_(actors) {}

  void run(parked_figures& figures, double& spawn_ns) {
    weir::with_scope([&](weir::scope& s) {
      const auto start = clock_type::now();
      for (std::int64_t i = 0; i < actors_; ++i) s.spawn([this] { live(); }, how_);
      all_passed();
      spawn_ns = nanoseconds_since(start) / static_cast<double>(actors_);

      first_.open();
      all_passed();
      figures.bytes_each = static_cast<double>(occupied_bytes());
      figures.mappings = mappings();

      const auto woken = clock_type::now();
      second_.open();
      all_passed();
      figures.wake_ns = nanoseconds_since(woken) / static_cast<double>(actors_);
    });
    figures.wakes += wakes_.load(std::memory_order_relaxed);  // the scope has joined them all
  }

 private:
  void live() {
    pass();
    first_.ends.rx.recv();
    wakes_.fetch_add(1, std::memory_order_relaxed);  // counts; read after the join
    pass();
    second_.ends.rx.recv();
    wakes_.fetch_add(1, std::memory_order_relaxed);  // counts; read after the join
    pass();
  }

  // The last one through says so. acq_rel, so that it has seen what all before it did.
  void pass() {
    if (countdown_.fetch_sub(1, std::memory_order_acq_rel) == 1) passed_.tx.send('\0');
  }
  // Waits until all have passed, and parked but for the last few instructions.
  void all_passed() {
    passed_.rx.recv();
    countdown_.store(actors_, std::memory_order_relaxed);  // whoever passes next was woken after this
  }

  const std::int64_t actors_;
  const weir::spawn_options how_;
  std::atomic<std::int64_t> countdown_, wakes_{0};
  gate first_, second_;
  weir::channel_ends<char> passed_ = weir::channel<char>(1);
};

}  // namespace

parked_figures park(int workers, std::int64_t actors, weir::spawn_options how) {
  warm_memory(actors * 6144);
  parked_figures figures{};
  weir::run({.workers = workers}, [&] {
    const std::int64_t before = occupied_bytes();
    round(actors, how).run(figures, figures.fresh_ns);
    const double bytes = (figures.bytes_each - static_cast<double>(before)) / static_cast<double>(actors);
    const double wake = figures.wake_ns;
    round(actors, how).run(figures, figures.pooled_ns);
    figures.bytes_each = bytes, figures.wake_ns = wake;
  });
  return figures;
}

}  // namespace bench
