// ring: 10 000 actors, each passes the token on to the next over a rendezvous channel. N: hops.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

using clock_type = std::chrono::steady_clock;

// Passes tokens on until its channel closes; then the next one's closes, once around.
struct member {
  weir::receiver<std::int64_t> in;
  weir::sender<std::int64_t> out;
  weir::sender<clock_type::time_point> finish;  // told when a token has made its hops
  std::int64_t* passed;

  void operator()() {
    std::int64_t mine = 0;
    while (const std::optional<std::int64_t> left = in.recv()) {
      ++mine;
      if (*left == 1)
        finish.send(clock_type::now());
      else
        out.send(*left - 1);
    }
    *passed = mine;
  }
};

double nanoseconds_around(std::int64_t hops, const bench::request& r) {
  const auto size = static_cast<std::size_t>(std::min<std::int64_t>(10'000, hops));
  const auto warm = 2 * static_cast<std::int64_t>(size);  // hops on stacks that are touched for the first time
  std::vector<std::int64_t> passed(size);
  const auto took = weir::with_scope([&](weir::scope& s) {
    auto [finish, finished] = weir::channel<clock_type::time_point>(1);
    auto [first, in] = weir::channel<std::int64_t>(0);
    for (std::size_t i = 0; i < size; ++i) {
      weir::channel_ends<std::int64_t> link;
      if (i + 1 < size)
        link = weir::channel<std::int64_t>(0);
      else
        link.tx = first;
      s.spawn(member{std::move(in), std::move(link.tx), finish, &passed[i]});
      in = std::move(link.rx);
    }
    first.send(warm);
    finished.recv();
    const auto start = clock_type::now();
    first.send(hops);
    const auto end = *finished.recv();
    first.close();
    return end - start;
  });
  std::int64_t sum = 0;
  for (std::int64_t p : passed) sum += p;
  bench::require_sum(r, "hops", sum, warm + hops);
  return std::chrono::duration<double, std::nano>(took).count();
}

void run(const bench::request& r) {
  weir::run({.workers = r.workers}, [&] { bench::report_each(r, nanoseconds_around(r.n, r)); });
}

const bench::workload registered("ring", run);

}  // namespace
