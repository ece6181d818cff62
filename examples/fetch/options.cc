#include "examples/fetch/options.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace fetcher {

const char* const help_text =
    R"(Usage: fetch [--concurrency N] [--per-host N] [--timeout D] [--retries N] [--rate N]
             [--out DIR] [--ca FILE] [--json] [--quiet] URL... | --file LIST

Fetches all of them, many at once, and says of each how it went, and of all how
long they took.

  --file LIST      read URLs from there too, one in each line; empty lines and what
                   begins with # are passed over; - is standard input
  --concurrency N  requests at once, 1 to 10000 (default: 32)
  --per-host N     connections to one host at once, 1 to 10000 (default: as many as
                   --concurrency)
  --timeout D      the longest for one URL, with all its redirects and retries:
                   500ms, 10s, 2m (default: 30s)
  --retries N      0 to 100 further attempts, if one fails in a way that another one
                   may not (default: 2)
  --rate N         begin at most N in a second, 1 to 1000000 (default: no limit)
  --out DIR        write each body there: 0001-HOST-NAME, numbered in the order of
                   the URLs; until it is whole, its name ends in .part
  --ca FILE        believe servers with a certificate of this CA (PEM), and no others
  --json           print one JSON object at the end
  --quiet          no progress, and a line only for what has failed
  --help           this text

Ctrl-C begins nothing more, waits for what is under way, and reports. A second one
does not wait.

Exit status: 0; 1 if any has failed, which is any answer but 2xx; 2 for bad
options; 130 after Ctrl-C.
)";

namespace {

int number(const std::string& option, const std::string& text, int least, int most) {
  int value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stopped != text.data() + text.size() || value < least || value > most)
    throw usage_error(option + " takes a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                      "; got \"" + text + "\". See --help.");
  return value;
}

}  // namespace

std::chrono::nanoseconds parse_duration(const std::string& option, const std::string& text) {
  double value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(stopped, static_cast<std::size_t>(text.data() + text.size() - stopped));
  const double factor = unit == "ms" ? 1e6 : unit == "s" || unit.empty() ? 1e9 : unit == "m" ? 6e10 : 0;
  if (error != std::errc() || factor == 0 || !std::isfinite(value) || value * factor < 1e6 || value * factor > 8.64e13)
    throw usage_error(option + " takes a time from 1ms to 1440m, such as 500ms, 10s or 2m; got \"" + text +
                      "\". See --help.");
  return std::chrono::nanoseconds(static_cast<std::int64_t>(value * factor));
}

options parse_options(const std::vector<std::string>& arguments) {
  options o;
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    if (!at->starts_with("--")) {
      o.urls.push_back(*at);
      continue;
    }
    // "--rate=5" is "--rate 5".
    const std::size_t equals = at->find('=');
    const std::string name = at->substr(0, equals);
    const auto value = [&]() -> std::string {
      if (equals != std::string::npos) return at->substr(equals + 1);
      if (at + 1 == arguments.end()) throw usage_error(name + " takes a value, and none follows. See --help.");
      return *++at;
    };
    const auto flag = [&](bool& which) {
      if (equals != std::string::npos) throw usage_error(name + " takes no value. Write " + name + ".");
      which = true;
    };
    if (name == "--file")
      o.list = value();
    else if (name == "--concurrency")
      o.concurrency = number(name, value(), 1, 10'000);
    else if (name == "--per-host")
      o.per_host = number(name, value(), 1, 10'000);
    else if (name == "--timeout")
      o.timeout = parse_duration(name, value());
    else if (name == "--retries")
      o.retries = number(name, value(), 0, 100);
    else if (name == "--rate")
      o.rate = number(name, value(), 1, 1'000'000);
    else if (name == "--out")
      o.out = value();
    else if (name == "--ca")
      o.ca = value();
    else if (name == "--json")
      flag(o.json);
    else if (name == "--quiet")
      flag(o.quiet);
    else if (name == "--help")
      flag(o.help);
    else
      throw usage_error("there is no option " + *at + ". See --help.");
  }
  if (o.per_host == 0) o.per_host = o.concurrency;
  if (!o.help && o.urls.empty() && o.list.empty())
    throw usage_error("there is nothing to fetch. Give URLs, or --file LIST; see --help.");
  return o;
}

}  // namespace fetcher
