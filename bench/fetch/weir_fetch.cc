// The client of bench/fetch/load.cc: 100 actors that take the next request when they have an answer.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/net/side.h"
#include "weir/net/http/client.h"
#include "weir/net/http/fetched.h"
#include "weir/net/http/status.h"
#include "weir/weir.h"

namespace {

constexpr int under_way = 100;

void fetch(const bench::task& t) {
  namespace http = weir::net::http;
  const std::string url = "http://127.0.0.1:" + t.port + "/", expected(t.size, 'x');
  http::client web({.per_host = under_way});
  const auto get = [&](std::int64_t n) {
    std::atomic<std::int64_t> begun{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < under_way; ++i)
        s.spawn("fetch", [&] {
          while (begun.fetch_add(1, std::memory_order_relaxed) < n) {
            const http::fetched page = web.fetch(url);
            if (page.status == http::status::ok && page.body == expected) continue;
            std::fputs("an answer is not what it should be\n", stderr);
            std::_Exit(3);
          }
        });
    });
  };
  get(t.warm());
  bench::say_began();
  const std::int64_t start = bench::now();
  get(t.n);
  bench::say_ended(t.n, bench::now() - start);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::task t(argc, argv);
  weir::run({.workers = t.workers}, [&] { fetch(t); });
  bench::wait_for_the_end();
}
