#include "examples/fetch/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "weir/channels/pipeline/short_text.h"

namespace fetcher {
namespace {

// Bytes of a server, or of a list, that could play tricks on a terminal.
std::string shown(std::string_view text) {
  std::string made;
  for (const char c : text) made += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return made;
}

std::string quoted(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      made += '\\', made += c;
    else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      made += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));  // as Latin-1: the bytes can be had back
    else
      made += c;
  }
  return made + "\"";
}

double milliseconds(std::chrono::nanoseconds d) { return std::chrono::duration<double, std::milli>(d).count(); }

// Of those that had a response, in order: who waits for a timeout measures the timeout.
std::vector<std::chrono::nanoseconds> latencies(const report& r) {
  std::vector<std::chrono::nanoseconds> all;
  for (const outcome& o : r.outcomes)
    if (o.status != 0) all.push_back(o.took);
  std::sort(all.begin(), all.end());
  return all;
}

constexpr std::pair<const char*, double> shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};

}  // namespace

void report::add(outcome o) {
  failed += o.failed() ? 1 : 0;
  bytes += o.bytes;
  outcomes.push_back(std::move(o));
}

std::string line_of(const outcome& o) {
  std::string made =
      fmt::format("{:<4} {:>8} {:>9}  {}", o.status == 0 ? "fail" : std::to_string(o.status),
                  weir::short_duration(o.took), weir::short_bytes(static_cast<double>(o.bytes)), shown(o.url));
  if (o.attempts > 1) made += fmt::format("  ({} attempts)", o.attempts);
  if (o.failed()) made += "  " + shown(o.error);
  return made;
}

std::string progress_of(const report& r, double rate) {
  const std::size_t done = r.outcomes.size();
  return fmt::format("{} of {}, {} failed, {}/s, ETA {}", done, r.urls, r.failed, weir::short_number(rate),
                     rate > 0 ? weir::short_clock(static_cast<double>(r.urls - done) / rate) : "unknown");
}

std::chrono::nanoseconds percentile(const std::vector<std::chrono::nanoseconds>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

std::string histogram(const std::vector<std::chrono::nanoseconds>& sorted, int columns) {
  if (sorted.empty()) return "";
  std::vector<std::size_t> counts;
  std::vector<std::chrono::nanoseconds> ends;
  std::chrono::nanoseconds end(100'000);
  while (end < sorted.front()) end *= 2;
  for (std::size_t at = 0; at < sorted.size(); end *= 2) {
    const std::size_t before = at;
    while (at < sorted.size() && sorted[at] <= end) ++at;
    counts.push_back(at - before);
    ends.push_back(end);
  }
  const std::size_t most = *std::max_element(counts.begin(), counts.end());
  std::string made;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    // Whatever is there shows.
    const auto length = static_cast<std::size_t>(
        std::ceil(static_cast<double>(counts[i]) / static_cast<double>(most) * static_cast<double>(columns)));
    made += fmt::format("  <= {:>7} |{:<{}} {}\n", weir::short_duration(ends[i]), std::string(length, '#'), columns,
                        counts[i]);
  }
  return made;
}

std::string as_text(const report& r) {
  const std::size_t done = r.outcomes.size();
  std::string made = fmt::format(
      "{} of {} fetched{}: {} fine, {} failed; {} in {:.2f} s, {}/s\n", done, r.urls, r.stopped ? ", then stopped" : "",
      done - r.failed, r.failed, weir::short_bytes(static_cast<double>(r.bytes)), milliseconds(r.took) / 1000,
      weir::short_number(static_cast<double>(done) / std::max(milliseconds(r.took) / 1000, 1e-6)));
  const auto sorted = latencies(r);
  if (sorted.empty()) return made;
  made += "latency";
  for (const auto& [name, share] : shares)
    made += fmt::format("  {} {}", name, weir::short_duration(percentile(sorted, share)));
  return made + "\n" + histogram(sorted, 40);
}

std::string as_json(const report& r) {
  std::string made = fmt::format(
      "{{\"urls\": {}, \"fetched\": {}, \"failed\": {}, \"stopped\": {}, \"bytes\": {}, \"seconds\": {:.6f}, "
      "\"latency_ms\": {{",
      r.urls, r.outcomes.size(), r.failed, r.stopped, r.bytes, milliseconds(r.took) / 1000);
  const auto sorted = latencies(r);
  for (const auto& [name, share] : shares)
    if (!sorted.empty())
      made += fmt::format("{}\"{}\": {:.3f}", made.ends_with('{') ? "" : ", ", name,
                          milliseconds(percentile(sorted, share)));
  made += "}, \"statuses\": {";
  std::map<unsigned, std::size_t> statuses;
  for (const outcome& o : r.outcomes) ++statuses[o.status];
  for (const auto& [status, count] : statuses)
    made += fmt::format("{}\"{}\": {}", made.ends_with('{') ? "" : ", ", status, count);
  made += "}, \"results\": [";
  std::vector<const outcome*> in_order;
  for (const outcome& o : r.outcomes) in_order.push_back(&o);
  std::sort(in_order.begin(), in_order.end(), [](const outcome* a, const outcome* b) { return a->index < b->index; });
  for (const outcome* o : in_order)
    made += fmt::format(
        "{}\n  {{\"url\": {}, \"status\": {}, \"bytes\": {}, \"ms\": {:.3f}, \"attempts\": {}, \"error\": {}}}",
        made.ends_with('[') ? "" : ",", quoted(o->url), o->status, o->bytes, milliseconds(o->took), o->attempts,
        o->failed() ? quoted(o->error) : "null");
  return made + "]}\n";
}

}  // namespace fetcher
