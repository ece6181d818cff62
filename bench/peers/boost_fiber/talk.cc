// The workloads of few fibers that exchange much; see bench/core/ for each. Boost.Fiber has no select. Its
// buffered_channel(c) holds c - 1 values, and c is a power of two.
#include <cstddef>
#include <stdexcept>

#include "bench/harness/workload.h"
#include "bench/peers/boost_fiber/fibers.h"

namespace {

namespace fibers = boost::fibers;
using bench::request;
using fibers::channel_op_status;

// Runs a workload with one figure: `body(n)` does the work.
template <class Body>
void measure(const request& r, void (*report)(const request&, double), Body body) {
  bench::on_fibers(r.workers, [&] { report(r, bench::timed(r.n, body)); });
}

void yields(const request& r) {
  measure(r, bench::report_each, [&](std::int64_t n) {
    std::int64_t done[2] = {};
    std::vector<fibers::fiber> both;
    for (int i = 0; i < 2; ++i)
      both.emplace_back([&, i] {
        std::int64_t mine = 0;
        for (std::int64_t k = i; k < n; k += 2, ++mine) boost::this_fiber::yield();
        done[i] = mine;
      });
    for (auto& f : both) f.join();
    bench::require_sum(r, "yields", done[0] + done[1], n);
  });
}

using rendezvous = fibers::unbuffered_channel<std::int64_t>;

void pong(rendezvous& in, rendezvous& out) {
  for (std::int64_t v; in.pop(v) == channel_op_status::success;) out.push(v + 1);
}
std::int64_t ping(std::int64_t n, rendezvous& out, rendezvous& in) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    out.push(i);
    std::int64_t v = 0;
    in.pop(v);
    sum += v;
  }
  out.close();
  return sum;
}

void pingpong(const request& r) {
  measure(r, bench::report_each, [&](std::int64_t n) {
    rendezvous there, back;
    std::int64_t sum = 0;
    fibers::fiber a([&] { pong(there, back); }), b([&] { sum = ping(n, there, back); });
    a.join(), b.join();
    bench::require_sum(r, "the sum of what came back", sum, bench::sum_below(n) + n);
  });
}

// Two threads with a scheduler of their own each: nothing is stolen.
void pingpong_cross(const request& r) {
  if (r.workers < 2) throw std::runtime_error("needs two workers");
  bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) {
                       rendezvous there, back;
                       std::int64_t sum = 0;
                       std::thread other([&] { fibers::fiber([&] { pong(there, back); }).join(); });
                       fibers::fiber([&] { sum = ping(n, there, back); }).join();
                       other.join();
                       bench::require_sum(r, "the sum of what came back", sum, bench::sum_below(n) + n);
                     }));
}

struct int_of_64_bytes {
  std::int64_t value, rest[7] = {};
};
std::int64_t number_in(std::int64_t v) { return v; }
std::int64_t number_in(const int_of_64_bytes& v) { return v.value; }

template <class T, int capacity>
void stream(const request& r) {
  measure(r, bench::report_rate, [&](std::int64_t n) {
    fibers::buffered_channel<T> c(capacity);
    std::int64_t sum = 0;
    fibers::fiber sender([&] {
      for (std::int64_t i = 0; i < n; ++i) c.push(T{i});
      c.close();
    });
    fibers::fiber receiver([&] {
      std::int64_t mine = 0;
      for (T v; c.pop(v) == channel_op_status::success;) mine += number_in(v);
      sum = mine;
    });
    sender.join(), receiver.join();
    bench::require_sum(r, "the sum of what was received", sum, bench::sum_below(n));
  });
}

void mpmc(const request& r) {
  constexpr int peers = 8;
  measure(r, bench::report_rate, [&](std::int64_t n) {
    fibers::buffered_channel<std::int64_t> c(128);
    std::int64_t sums[peers] = {};
    std::vector<fibers::fiber> senders, receivers;
    for (int p = 0; p < peers; ++p) {
      senders.emplace_back([&, p] {
        for (std::int64_t i = p; i < n; i += peers) c.push(i);
      });
      receivers.emplace_back([&, p] {
        std::int64_t mine = 0;
        for (std::int64_t v; c.pop(v) == channel_op_status::success;) mine += v;
        sums[p] = mine;
      });
    }
    for (auto& f : senders) f.join();
    c.close();
    for (auto& f : receivers) f.join();
    std::int64_t sum = 0;
    for (std::int64_t s : sums) sum += s;
    bench::require_sum(r, "the sum of what was received", sum, bench::sum_below(n));
  });
}

void pipeline(const request& r) {
  constexpr int stages = 3;
  measure(r, bench::report_rate, [&](std::int64_t n) {
    std::vector<std::unique_ptr<fibers::buffered_channel<std::int64_t>>> c;
    for (int k = 0; k <= stages; ++k) c.push_back(std::make_unique<fibers::buffered_channel<std::int64_t>>(128));
    std::vector<fibers::fiber> all;
    all.emplace_back([&] {
      for (std::int64_t i = 0; i < n; ++i) c.front()->push(i);
      c.front()->close();
    });
    for (std::size_t k = 0; k < stages; ++k)
      all.emplace_back([&in = *c[k], &out = *c[k + 1]] {
        for (std::int64_t v; in.pop(v) == channel_op_status::success;) out.push(v + 1);
        out.close();
      });
    std::int64_t sum = 0;
    all.emplace_back([&] {
      std::int64_t mine = 0;
      for (std::int64_t v; c.back()->pop(v) == channel_op_status::success;) mine += v;
      sum = mine;
    });
    for (auto& f : all) f.join();
    bench::require_sum(r, "the sum of what came through", sum, bench::sum_below(n) + stages * n);
  });
}

void mutex8(const request& r) {
  constexpr int lockers = 8;
  measure(r, bench::report_each, [&](std::int64_t n) {
    fibers::mutex mutex;
    std::int64_t count = 0;
    std::vector<fibers::fiber> all;
    for (int p = 0; p < lockers; ++p)
      all.emplace_back([&, p] {
        for (std::int64_t i = p; i < n; i += lockers) {
          std::lock_guard guard(mutex);
          ++count;
        }
      });
    for (auto& f : all) f.join();
    bench::require_sum(r, "the count", count, n);
  });
}

const bench::workload registered[] = {
    {"switch", yields},
    {"pingpong", pingpong},
    {"pingpong_cross", pingpong_cross},
    {"stream128", stream<std::int64_t, 128>},
    {"stream1024", stream<std::int64_t, 1024>},
    {"stream64B_128", stream<int_of_64_bytes, 128>},
    {"mpmc", mpmc},
    {"pipeline", pipeline},
    {"mutex8", mutex8},
};

}  // namespace
