// fetch: fetches many URLs at once, and says how it went.
//
//   URLs -> [throttle] -> fetch, many at once -> [outcomes] -> main: prints, counts, draws
//
// The pipeline is in start_fetching(); what main waits for at once, Ctrl-C among it, is in fetch_all().
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "examples/fetch/fetch_one.h"
#include "examples/fetch/options.h"
#include "examples/fetch/report.h"
#include "weir/channels/pipeline/pipeline.h"
#include "weir/channels/pipeline/status_lines.h"
#include "weir/net/http/client.h"
#include "weir/net/tls/tls_client.h"
#include "weir/weir.h"

namespace fetcher {
namespace {

using clock = std::chrono::steady_clock;
namespace http = weir::net::http;

std::vector<job> read_jobs(const options& o) {
  std::vector<std::string> all = o.urls;
  if (!o.list.empty()) {
    auto [lines, report] = weir::lines(o.list == "-" ? "/dev/stdin" : o.list) | weir::collect() | weir::execute();
    for (std::string& line : lines) {
      const std::size_t first = line.find_first_not_of(" \t\r");
      if (first == line.npos || line[first] == '#') continue;
      all.push_back(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
    }
  }
  std::vector<job> jobs;
  for (std::string& url : all) jobs.push_back({jobs.size(), std::move(url)});
  return jobs;
}

weir::running_pipeline<void> start_fetching(std::vector<job> jobs, http::client& web, const options& o,
                                            weir::sender<outcome> outcomes) {
  const auto go = [&](auto source) {
    return std::move(source) |
           weir::map([&web, &o](const job& j) { return fetch_one(web, j, o); },
                     {.parallel = o.concurrency, .order = weir::unordered, .name = "fetch"}) |
           weir::into(std::move(outcomes)) | weir::start({.name = "fetch"});
  };
  if (o.rate == 0) return go(weir::from(std::move(jobs)));
  return go(weir::from(std::move(jobs)) |
            weir::throttle(1, std::chrono::nanoseconds(std::chrono::seconds(1)) / o.rate));
}

// What is on the screen while it runs. Draws from weir::blocking: a terminal may be stopped.
class view {
 public:
  view(const report& r, const options& o) : report_(r), quiet_(o.quiet), lines_(!o.json) {}

  void say(const std::string& line) {
    if (!lines_) return;
    std::fputs((line + "\n").c_str(), stdout);
  }
  void tick() {
    std::fflush(stdout);
    if (quiet_) return;
    const std::size_t done = report_.outcomes.size();
    const std::string text = progress_of(report_, rate_.update(static_cast<std::int64_t>(done)));
    if (screen_.terminal()) {
      weir::styled_line line;
      const int bar = std::min(40, screen_.width() - static_cast<int>(text.size()) - 1);
      if (bar >= 10)
        line.bar(static_cast<double>(done) / static_cast<double>(std::max<std::size_t>(1, report_.urls)), bar).add(" ");
      screen_.draw({line.add(text)});
    } else if (screen_.line_due()) {
      screen_.print("fetch: " + text + "\n");
    }
  }

 private:
  const report& report_;
  const bool quiet_, lines_;
  weir::status_lines screen_;  // wipes the bar at the end
  weir::smoothed_rate rate_;
};

report fetch_all(std::vector<job> jobs, http::client& web, const options& o) {
  const clock::time_point begin = clock::now();
  report r;
  r.urls = jobs.size();
  bool failed_early = false;
  {
    view screen(r, o);
    int interrupts = 0;
    const auto on_interrupt = [&] {
      r.stopped = true;
      ++interrupts;
    };
    // From here on Ctrl-C is this program's, and not the runtime's.
    weir::select(weir::on_signal(SIGINT, on_interrupt), weir::otherwise([] {}));
    auto [outcomes, arrived] = weir::channel<outcome>(256, "outcomes");
    weir::running_pipeline<void> run = start_fetching(std::move(jobs), web, o, std::move(outcomes));
    weir::with_scope([&](weir::scope& s) {
      bool more = true, draining = false;
      weir::ticker beat(std::chrono::milliseconds(100));
      std::vector<std::string> lines;
      const auto print = [&] {
        weir::blocking([&] {
          for (const std::string& line : lines) screen.say(line);
          screen.tick();
        });
        lines.clear();
      };
      while (more && interrupts < 2) {
        // Another actor, as this one is to take what comes meanwhile.
        if (interrupts == 1 && !std::exchange(draining, true)) s.spawn("drain", [&run] { run.drain(); });
        weir::select(weir::on_recv(arrived,
                                   [&](std::optional<outcome> one) {
                                     more = one.has_value();
                                     if (!more) return;
                                     if (one->failed() || !o.quiet) lines.push_back(line_of(*one));
                                     r.add(std::move(*one));
                                   }),
                     weir::on_tick(beat, print), weir::on_signal(SIGINT, on_interrupt));
      }
      print();
      if (interrupts >= 2) s.cancel();
      failed_early = interrupts >= 2;
    });
    if (!failed_early) run.wait();  // throws what went wrong in the pipeline itself
  }
  r.took = clock::now() - begin;
  return r;
}

int print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return 0;
  throw std::runtime_error("the result cannot be written");
}

int run(const options& o) {
  std::vector<job> jobs = read_jobs(o);
  if (!o.out.empty()) weir::blocking([&] { std::filesystem::create_directories(o.out); });
  http::client_options with{.per_host = o.per_host, .connections = static_cast<std::size_t>(o.concurrency)};
  with.connect_limit = std::max<std::chrono::nanoseconds>(with.connect_limit, o.timeout / 3);
  if (!o.ca.empty()) with.tls.emplace(weir::net::tls_client_options{.ca = {weir::net::pem::file(o.ca)}});
  http::client web(std::move(with));
  const report r = fetch_all(std::move(jobs), web, o);
  weir::blocking([&] { print(o.json ? as_json(r) : as_text(r)); });
  if (r.stopped) return 128 + SIGINT;
  return r.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace fetcher

int main(int argc, char** argv) {
  try {
    const fetcher::options o = fetcher::parse_options({argv + 1, argv + argc});
    if (o.help) return fetcher::print(fetcher::help_text);
    return weir::run([&] { return fetcher::run(o); });
  } catch (const fetcher::usage_error& e) {
    std::fprintf(stderr, "fetch: %s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "fetch: %s\n", e.what());
    return 1;
  }
}
