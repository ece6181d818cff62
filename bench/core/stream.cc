// stream128, stream1024: one sender, one receiver, int64, and the channel's capacity. stream64B_128: values of 64
// bytes. N: messages.
#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

struct int_of_64_bytes {
  std::int64_t value, rest[7] = {};
};
std::int64_t number_in(std::int64_t v) { return v; }
std::int64_t number_in(const int_of_64_bytes& v) { return v.value; }

template <class T>
void stream(std::int64_t n, const bench::request& r, int capacity) {
  std::int64_t sum = 0;
  weir::with_scope([&](weir::scope& s) {
    auto [tx, rx] = weir::channel<T>(capacity);
    s.spawn("sender", [n, tx = std::move(tx)] {
      for (std::int64_t i = 0; i < n; ++i) tx.send(T{i});
    });
    s.spawn("receiver", [&sum, rx = std::move(rx)] {
      std::int64_t mine = 0;
      for (const T& v : rx) mine += number_in(v);
      sum = mine;
    });
  });
  bench::require_sum(r, "the sum of what was received", sum, bench::sum_below(n));
}

template <class T, int capacity>
void run(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report_rate(r, bench::timed(r.n, [&](std::int64_t n) { stream<T>(n, r, capacity); })); });
}

const bench::workload registered[] = {
    {"stream128", run<std::int64_t, 128>},
    {"stream1024", run<std::int64_t, 1024>},
    {"stream64B_128", run<int_of_64_bytes, 128>},
};

}  // namespace
