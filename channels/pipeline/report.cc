#include "weir/channels/pipeline/report.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "weir/channels/pipeline/run_state.h"
#include "weir/channels/pipeline/short_text.h"

namespace weir {
namespace {

double seconds(std::chrono::nanoseconds d) { return static_cast<double>(d.count()) * 1e-9; }

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

// How much of the time its actors were neither starved nor blocked.
double busy(const stage_report& s, std::chrono::nanoseconds took) {
  const double all = seconds(took) * s.parallel;
  return all > 0 ? std::clamp(1 - seconds(s.starved + s.blocked) / all, 0.0, 1.0) : 0;
}

}  // namespace

std::size_t pipeline_report::group_of(std::size_t stage) const noexcept {
  while (!stages[stage].queued && !stages[stage].before.empty()) stage = stages[stage].before.front();
  return stage;
}

const stage_report* pipeline_report::bottleneck() const noexcept {
  // Only where there are queues can one hold up another: the first of a group stands for the group.
  const stage_report* busiest = nullptr;
  double most = 0.5;
  int groups = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (group_of(i) != i) continue;
    ++groups;
    stage_report group = stages[i];
    for (std::size_t k = i + 1; k < stages.size(); ++k)
      if (group_of(k) == i) group.blocked += stages[k].blocked;
    if (const double b = busy(group, took); b > most) {
      most = b;
      busiest = &stages[i];
    }
  }
  return groups > 1 ? busiest : nullptr;
}

std::int64_t pipeline_report::items() const noexcept {
  std::int64_t n = 0;
  for (const stage_report& s : stages)
    if (s.before.empty()) n += s.out;
  return n;
}

std::optional<double> pipeline_report::share() const noexcept {
  const auto of = [](std::int64_t part, std::int64_t whole) {
    return std::clamp(static_cast<double>(part) / static_cast<double>(whole), 0.0, 1.0);
  };
  if (of_bytes > 0) return of(bytes, of_bytes);
  if (total && !stages.empty()) return *total > 0 ? of(items(), *total) : 1.0;
  return {};
}

pipeline_report pipeline_report::since(const pipeline_report& earlier) const {
  pipeline_report r = *this;
  r.took -= earlier.took;
  r.bytes -= earlier.bytes;
  for (std::size_t i = 0; i < r.stages.size() && i < earlier.stages.size(); ++i) {
    stage_report& s = r.stages[i];
    const stage_report& e = earlier.stages[i];
    s.in -= e.in, s.out -= e.out, s.errors -= e.errors, s.retries -= e.retries;
    // A wait that ends while somebody looks may be missed once.
    s.starved = std::max(s.starved - e.starved, std::chrono::nanoseconds(0));
    s.blocked = std::max(s.blocked - e.blocked, std::chrono::nanoseconds(0));
  }
  return r;
}

std::string pipeline_report::text() const {
  std::string out =
      fmt::format("{:<20} {:>4} {:>9} {:>12} {:>12} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "stage", "x", "queue",
                  "in", "out", "flight", "errors", "retries", "p50", "p99", "starved", "blocked");
  for (const stage_report& s : stages) {
    const double all = std::max(seconds(took) * s.parallel, 1e-9);
    out += fmt::format("{:<20} {:>4} {:>9} {:>12} {:>12} {:>7} {:>8} {:>8} {:>8} {:>8} {:>7.0f}% {:>7.0f}%\n", s.name,
                       s.parallel, s.queued ? fmt::format("{}/{}", s.waiting, s.capacity) : "-", s.in, s.out,
                       s.in_flight, s.errors, s.retries, short_duration(s.p50), short_duration(s.p99),
                       100 * seconds(s.starved) / all, 100 * seconds(s.blocked) / all);
  }
  out += fmt::format("{} items in {}, {:.4g} a second", items(), short_duration(took),
                     static_cast<double>(items()) / std::max(seconds(took), 1e-9));
  if (const stage_report* const b = bottleneck()) out += fmt::format("; bottleneck: {}", b->name);
  return out + "\n";
}

std::string pipeline_report::json() const {
  std::string out = fmt::format("{{\"seconds\": {:.9f}, \"total\": {}, \"bytes\": {}, \"of_bytes\": {}, ",
                                seconds(took), total ? std::to_string(*total) : "null", bytes, of_bytes);
  const stage_report* const slowest = bottleneck();
  out += fmt::format("\"bottleneck\": {}, \"stages\": [", slowest ? quoted(slowest->name) : "null");
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const stage_report& s = stages[i];
    out += fmt::format(
        "{}{{\"name\": {}, \"kind\": \"{}\", \"parallel\": {}, \"capacity\": {}, \"in\": {}, \"out\": {}, \"waiting\": "
        "{}, \"in_flight\": {}, \"errors\": {}, \"retries\": {}, \"starved\": {:.9f}, \"blocked\": {:.9f}, \"p50\": "
        "{:.9f}, \"p99\": {:.9f}, \"before\": [{}]}}",
        i == 0 ? "" : ", ", quoted(s.name), s.kind, s.parallel, s.capacity, s.in, s.out, s.waiting, s.in_flight,
        s.errors, s.retries, seconds(s.starved), seconds(s.blocked), seconds(s.p50), seconds(s.p99),
        fmt::join(s.before, ", "));
  }
  return out + "]}";
}

std::string pipeline_report::dot() const {
  std::string out = "digraph pipeline {\n  rankdir=LR;\n  node [shape=box];\n";
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const stage_report& s = stages[i];
    std::string label = s.parallel > 1 ? fmt::format("{} x{}", s.name, s.parallel) : s.name;
    label = quoted(label);
    label.pop_back();  // the quote; \n is Graphviz's own from here on
    label += fmt::format("\\nin {}, out {}, errors {}, in flight {}", s.in, s.out, s.errors, s.in_flight);
    label += fmt::format("\\np50 {}, p99 {}, starved {}, blocked {}", short_duration(s.p50), short_duration(s.p99),
                         short_duration(s.starved), short_duration(s.blocked));
    out += fmt::format("  s{} [label={}\"];\n", i, label);
    for (const std::size_t from : s.before)
      out += s.queued ? fmt::format("  s{} -> s{} [label=\"queue {}/{}\"];\n", from, i, s.waiting, s.capacity)
                      : fmt::format("  s{} -> s{} [style=dashed];\n", from, i);
  }
  return out + "}\n";
}

namespace internal {
namespace {

// Half of the calls, and 99 of 100, took no longer.
void set_percentiles(stage_report& s, const std::array<std::uint64_t, latency_buckets::count>& buckets) {
  std::uint64_t calls = 0, seen = 0;
  for (const std::uint64_t b : buckets) calls += b;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] == 0) continue;
    const std::chrono::nanoseconds value(static_cast<std::int64_t>(latency_buckets::value(i)));
    if (seen * 2 < calls) s.p50 = value;
    if (seen * 100 < calls * 99) s.p99 = value;
    seen += buckets[i];
  }
}

stage_report report_of(const node_base& n, time_point until) {
  stage_report s;
  s.name = n.name();
  s.kind = n.kind();
  s.before = n.before();
  s.parallel = n.parallel();
  s.may_be_parallel = n.may_be_parallel();
  s.queued = n.queued();
  s.capacity = n.capacity();
  s.waiting = n.waiting();
  std::array<std::uint64_t, latency_buckets::count> buckets{};
  std::int64_t settled = 0;
  for (int i = 0; i < n.meters(); ++i) {
    const stage_meter& m = n.meter(i);
    settled += m.settled.get();
    s.in += m.in.items();
    s.out += m.out.get();
    s.errors += m.errors.get();
    s.retries += m.retries.get();
    s.starved += m.starved.total(until);
    s.blocked += m.blocked.total(until);
    s.in_flight += m.on_duty.load(std::memory_order_relaxed) && !m.starved.goes_on();
    m.latency.add_to(buckets);
  }
  // An ordered stage also keeps results that wait for those of the items before them.
  if (n.meter(n.parallel()).on_duty.load(std::memory_order_relaxed))
    s.in_flight = std::max<std::int64_t>(0, s.in - settled);
  set_percentiles(s, buckets);
  return s;
}

}  // namespace

pipeline_report make_report(const run_state& run) {
  pipeline_report report;
  const time_point until = now();
  report.took = until - run.begun;
  if (run.total) report.total = static_cast<std::int64_t>(*run.total);
  for (const node_base* n : run.nodes) {
    stage_report s = report_of(*n, until);
    // Of a stage whose results go straight into the next one, that one's input says how many there were.
    if (!s.queued)
      for (const std::size_t before : s.before) report.stages[before].out += s.in;
    report.stages.push_back(std::move(s));
  }
  bool sized = true;
  for (const node_base* n : run.nodes) {
    if (!n->before().empty()) continue;
    const stage_meter& source = n->meter(0);
    report.bytes += source.bytes.get();
    report.of_bytes += source.of_bytes.get();
    sized = sized && source.of_bytes.get() > 0;
  }
  if (!sized) report.of_bytes = 0;
  return report;
}

}  // namespace internal
}  // namespace weir
