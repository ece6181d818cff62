#include "weir/channels/pipeline/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "weir/channels/pipeline/run_state.h"

namespace weir {
namespace {

double seconds(std::chrono::nanoseconds d) { return static_cast<double>(d.count()) * 1e-9; }

// A duration with three digits and its unit.
std::string short_text(std::chrono::nanoseconds d) {
  const double s = seconds(d);
  if (d.count() == 0) return "-";
  if (s >= 100) return fmt::format("{:.0f}s", s);
  if (s >= 1) return fmt::format("{:.3g}s", s);
  if (s >= 1e-3) return fmt::format("{:.3g}ms", s * 1e3);
  if (s >= 1e-6) return fmt::format("{:.3g}us", s * 1e6);
  return fmt::format("{:.3g}ns", s * 1e9);
}

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

const stage_report* pipeline_report::bottleneck() const noexcept {
  // Only where there are queues can one hold up another. A stage without a queue belongs to the actor of the one
  // before it, so the first of a group stands for the group.
  const stage_report* busiest = nullptr;
  double most = 0.5;
  int groups = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (i > 0 && !stages[i].queued) continue;
    ++groups;
    stage_report group = stages[i];
    for (std::size_t k = i + 1; k < stages.size() && !stages[k].queued; ++k) group.blocked += stages[k].blocked;
    if (const double b = busy(group, took); b > most) {
      most = b;
      busiest = &stages[i];
    }
  }
  return groups > 1 ? busiest : nullptr;
}

std::string pipeline_report::text() const {
  std::string out = fmt::format("{:<20} {:>4} {:>12} {:>12} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6}\n", "stage", "x", "in",
                                "out", "errors", "retries", "p50", "p99", "starved", "blocked");
  for (const stage_report& s : stages) {
    const double all = std::max(seconds(took) * s.parallel, 1e-9);
    out += fmt::format("{:<20} {:>4} {:>12} {:>12} {:>8} {:>8} {:>8} {:>8} {:>7.0f}% {:>6.0f}%\n", s.name, s.parallel,
                       s.in, s.out, s.errors, s.retries, short_text(s.p50), short_text(s.p99),
                       100 * seconds(s.starved) / all, 100 * seconds(s.blocked) / all);
  }
  const std::int64_t items = stages.empty() ? 0 : stages.front().out;
  out += fmt::format("{} items in {}, {:.4g} a second", items, short_text(took),
                     static_cast<double>(items) / std::max(seconds(took), 1e-9));
  if (const stage_report* const b = bottleneck()) out += fmt::format("; bottleneck: {}", b->name);
  return out + "\n";
}

std::string pipeline_report::json() const {
  std::string out = fmt::format("{{\"seconds\": {:.9f}, \"stages\": [", seconds(took));
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const stage_report& s = stages[i];
    out += fmt::format(
        "{}{{\"name\": {}, \"kind\": \"{}\", \"parallel\": {}, \"capacity\": {}, \"in\": {}, \"out\": {}, \"errors\": "
        "{}, "
        "\"retries\": {}, \"starved\": {:.9f}, \"blocked\": {:.9f}, \"p50\": {:.9f}, \"p99\": {:.9f}}}",
        i == 0 ? "" : ", ", quoted(s.name), s.kind, s.parallel, s.capacity, s.in, s.out, s.errors, s.retries,
        seconds(s.starved), seconds(s.blocked), seconds(s.p50), seconds(s.p99));
  }
  return out + "]}";
}

std::string pipeline_report::dot() const {
  std::string out = "digraph pipeline {\n  rankdir=LR;\n  node [shape=box];\n";
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const stage_report& s = stages[i];
    const std::string label = s.parallel > 1 ? fmt::format("{} x{}", s.name, s.parallel) : s.name;
    out += fmt::format("  s{} [label={}];\n", i, quoted(label));
    if (i > 0)
      out += s.queued ? fmt::format("  s{} -> s{} [label=\"queue of {}\"];\n", i - 1, i, s.capacity)
                      : fmt::format("  s{} -> s{} [style=dashed];\n", i - 1, i);
  }
  return out + "}\n";
}

namespace internal {

pipeline_report make_report(const run_state& run) {
  pipeline_report report;
  report.took = now() - run.begun;
  // Of a stage whose results go straight into the next one, that one's input says how many there were.
  const auto finish_last = [&](const stage_report& next) {
    if (!report.stages.empty() && !next.queued) report.stages.back().out = next.in;
  };
  for (const node_base* n : run.nodes) {
    stage_report s;
    s.name = n->name();
    s.kind = n->kind();
    s.parallel = n->parallel();
    s.queued = n->queued();
    s.capacity = n->capacity();
    std::array<std::uint64_t, latency_buckets::count> buckets{};
    for (int i = 0; i < n->meters(); ++i) {
      const stage_meter& m = n->meter(i);
      s.in += m.in();
      s.out += m.out.get();
      s.errors += m.errors.get();
      s.retries += m.retries.get();
      s.starved += std::chrono::nanoseconds(m.starved.get());
      s.blocked += std::chrono::nanoseconds(m.blocked.get());
      m.latency.add_to(buckets);
    }
    std::uint64_t calls = 0, seen = 0;
    for (const std::uint64_t b : buckets) calls += b;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      if (buckets[i] == 0) continue;
      const std::chrono::nanoseconds value(static_cast<std::int64_t>(latency_buckets::value(i)));
      if (seen * 2 < calls) s.p50 = value;
      if (seen * 100 < calls * 99) s.p99 = value;
      seen += buckets[i];
    }
    finish_last(s);
    report.stages.push_back(std::move(s));
  }
  return report;
}

}  // namespace internal
}  // namespace weir
