// ring: 10 000 actors, each passes the token on to the next over a rendezvous channel. N: hops.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "bench/harness/workload.h"
#include "weir/weir.h"

namespace {

using clock_type = std::chrono::steady_clock;

// Passes a token on until it has made `hops`, then tells when; the ends of its channels go with it, and so the ring
// ends.
struct member {
  weir::receiver<std::int64_t> in;
  weir::sender<std::int64_t> out;
  weir::sender<clock_type::time_point> finish;
  std::int64_t* passed;

  void operator()() {
    std::int64_t mine = 0;
    while (const std::optional<std::int64_t> left = in.recv()) {
      ++mine;
      if (*left == 1) {
        finish.send(clock_type::now());
        break;
      }
      out.send(*left - 1);
    }
    *passed = mine;
  }
};

double nanoseconds_around(std::int64_t hops, const bench::request& r) {
  const auto size = static_cast<std::size_t>(std::min<std::int64_t>(10'000, hops));
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
    const auto start = clock_type::now();
    first.send(hops);
    first.reset();
    return *finished.recv() - start;
  });
  std::int64_t sum = 0;
  for (std::int64_t p : passed) sum += p;
  bench::require_sum(r, "hops", sum, hops);
  return std::chrono::duration<double, std::nano>(took).count();
}

void run(const bench::request& r) {
  weir::run({.workers = r.workers}, [&] { bench::report_each(r, nanoseconds_around(r.n, r)); });
}

const bench::workload registered("ring", run);

}  // namespace
