// select4, select16: one actor selects over so many channels of 128, each with a sender of its own. N: messages of all
// together.
#include <array>
#include <cstddef>
#include <utility>

#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

template <std::size_t... I>
std::int64_t receive(std::int64_t n, const std::array<weir::receiver<std::int64_t>, sizeof...(I)>& from,
                     std::index_sequence<I...>) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i)
    weir::select(weir::on_recv(from[I], [&](std::optional<std::int64_t> v) { sum += *v; })...);
  return sum;
}

template <int sources>
void select_over(std::int64_t n, const bench::request& r) {
  std::int64_t sum = 0;
  weir::with_scope([&](weir::scope& s) {
    // This copy of the senders keeps the channels open until all is received: a closed channel is ready for ever.
    std::array<weir::sender<std::int64_t>, sources> to;
    std::array<weir::receiver<std::int64_t>, sources> from;
    for (int k = 0; k < sources; ++k) {
      auto [tx, rx] = weir::channel<std::int64_t>(128);
      to[static_cast<std::size_t>(k)] = tx, from[static_cast<std::size_t>(k)] = rx;
      s.spawn("sender", [n, k, tx = tx] {
        for (std::int64_t i = k; i < n; i += sources) tx.send(i);
      });
    }
    auto receiver = weir::spawn("receiver", [&] { return receive(n, from, std::make_index_sequence<sources>()); });
    sum = receiver.join();
  });
  bench::require_sum(r, "the sum of what was received", sum, bench::sum_below(n));
}

template <int sources>
void run(const bench::request& r) {
  weir::run({.workers = r.workers},
            [&] { bench::report_rate(r, bench::timed(r.n, [&](std::int64_t n) { select_over<sources>(n, r); })); });
}

const bench::workload registered[] = {{"select4", run<4>}, {"select16", run<16>}};

}  // namespace
