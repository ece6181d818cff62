// The parts of fetch, where a test must step in between them or choose the figures.
#include <chrono>
#include <new>
#include <string>
#include <vector>

#include "examples/fetch/fetch_one.h"
#include "examples/fetch/report.h"
#include "tests/testing.h"
#include "weir/net/http/client.h"
#include "weir/net/stream.h"

using namespace std::chrono_literals;
using times = std::vector<std::chrono::nanoseconds>;

TEST_CASE("whatever goes wrong with a URL is the failure of this one") {
  fetcher::outcome made;
  testing::in_actor([&] {
    weir::net::http::client web(
        {.dial = [](const weir::net::http::url&, weir::deadline) -> weir::net::stream { throw std::bad_alloc(); }});
    made = fetcher::fetch_one(web, {3, "http://a.test/"}, {});
  });
  CHECK(made.index == 3);
  CHECK(made.url == "http://a.test/");
  CHECK(made.status == 0);
  CHECK(made.error == "std::bad_alloc");
}

TEST_CASE("a percentile is the least time that so many have not exceeded") {
  times t;
  for (int i = 1; i <= 10; ++i) t.push_back(i * 1ms);
  CHECK(fetcher::percentile(t, 0) == 1ms);
  CHECK(fetcher::percentile(t, 0.1) == 1ms);
  CHECK(fetcher::percentile(t, 0.11) == 2ms);
  CHECK(fetcher::percentile(t, 0.5) == 5ms);
  CHECK(fetcher::percentile(t, 0.9) == 9ms);
  CHECK(fetcher::percentile(t, 0.99) == 10ms);
  CHECK(fetcher::percentile(t, 1) == 10ms);
  t.push_back(11ms);
  CHECK(fetcher::percentile(t, 0.5) == 6ms);
  for (const double share : {0.0, 0.5, 1.0}) CHECK(fetcher::percentile({7ms}, share) == 7ms);
}

TEST_CASE("a histogram has a row for each doubling from the first to the last, and shows whatever is there") {
  CHECK(fetcher::histogram({}, 8).empty());
  CHECK(fetcher::histogram({0ns, 100us}, 8) == "  <=   100us |######## 2\n");
  // What lies on a limit is below it; a row without any is there, and has no bar.
  CHECK(fetcher::histogram({400us, 401us, 800us, 800us, 801us, 3200us}, 8) ==
        "  <=   400us |###      1\n"
        "  <=   800us |######## 3\n"
        "  <=   1.6ms |###      1\n"
        "  <=   3.2ms |###      1\n");
  times t(1000, 150us);
  t.push_back(700us);
  CHECK(fetcher::histogram(t, 8) ==
        "  <=   200us |######## 1000\n"
        "  <=   400us |         0\n"
        "  <=   800us |#        1\n");
}

TEST_CASE("the time still to go is what is left by the rate") {
  fetcher::report r;
  r.urls = 100;
  CHECK(progress_of(r, 0) == "0 of 100, 0 failed, 0/s, ETA unknown");
  for (std::size_t i = 0; i < 40; ++i) r.add({.index = i, .error = i < 2 ? "no" : ""});
  CHECK(progress_of(r, 8) == "40 of 100, 2 failed, 8/s, ETA 8s");
  for (std::size_t i = 40; i < 100; ++i) r.add({.index = i});
  CHECK(progress_of(r, 8) == "100 of 100, 2 failed, 8/s, ETA 0s");
  r.urls = 100'000;
  CHECK(progress_of(r, 1500) == "100 of 100000, 2 failed, 1.50k/s, ETA 1:07");
}

TEST_CASE("latency is told of those that had a response, and each URL in the order that was asked for") {
  fetcher::report r;
  r.urls = 3, r.took = 3s;
  r.add({.index = 2, .url = "http://h/\"2", .status = 404, .error = "Not Found", .bytes = 5, .took = 40ms});
  r.add({.index = 0, .url = "http://h/0", .status = 200, .bytes = 1015, .took = 10ms, .attempts = 2});
  r.add({.index = 1, .url = "http://h/1", .error = "timeout", .took = 30s});
  CHECK(as_text(r) ==
        "3 of 3 fetched: 1 fine, 2 failed; 1.02 kB in 3.00 s, 1/s\n"
        "latency  p50 10ms  p90 40ms  p99 40ms  max 40ms\n" +
            fetcher::histogram({10ms, 40ms}, 40));
  CHECK(as_json(r) ==
        "{\"urls\": 3, \"fetched\": 3, \"failed\": 2, \"stopped\": false, \"bytes\": 1020, \"seconds\": 3.000000, "
        "\"latency_ms\": {\"p50\": 10.000, \"p90\": 40.000, \"p99\": 40.000, \"max\": 40.000}, "
        "\"statuses\": {\"0\": 1, \"200\": 1, \"404\": 1}, \"results\": [\n"
        "  {\"url\": \"http://h/0\", \"status\": 200, \"bytes\": 1015, \"ms\": 10.000, \"attempts\": 2, \"error\": "
        "null},\n"
        "  {\"url\": \"http://h/1\", \"status\": 0, \"bytes\": 0, \"ms\": 30000.000, \"attempts\": 1, "
        "\"error\": \"timeout\"},\n"
        "  {\"url\": \"http://h/\\\"2\", \"status\": 404, \"bytes\": 5, \"ms\": 40.000, \"attempts\": 1, "
        "\"error\": \"Not Found\"}]}\n");
}
