#include "weir/channels/pipeline/live_lines.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "weir/channels/pipeline/short_text.h"

namespace weir::internal {
namespace {

using color = styled_line::color;

double seconds(std::chrono::nanoseconds d) { return static_cast<double>(d.count()) * 1e-9; }

// Stages that run in the same actors: the first has the queue, or is the source.
struct group {
  std::vector<const stage_report*> stages;
  std::vector<std::size_t> before;  // groups that it has its items from

  const stage_report& head() const { return *stages.front(); }
  std::string name(bool all) const {
    std::string n = head().name;
    if (all)
      for (std::size_t i = 1; i < stages.size(); ++i) n += "+" + stages[i]->name;
    else if (stages.size() > 1)
      n += fmt::format("+{}", stages.size() - 1);
    return head().parallel > 1 ? fmt::format("{} x{}", n, head().parallel) : n;
  }
  // The share of `took` for which its actors waited to get rid of something.
  double blocked(std::chrono::nanoseconds took) const {
    std::chrono::nanoseconds sum{0};
    for (const stage_report* s : stages) sum += s->blocked;
    return std::clamp(seconds(sum) / std::max(seconds(took) * head().parallel, 1e-9), 0.0, 1.0);
  }
};

std::vector<group> groups_of(const pipeline_report& r) {
  std::vector<group> groups;
  std::vector<std::size_t> group_at(r.stages.size());  // by stage
  for (std::size_t i = 0; i < r.stages.size(); ++i) {
    const std::size_t first = r.group_of(i);
    group_at[i] = first == i ? groups.size() : group_at[first];
    if (first == i) {
      groups.emplace_back();
      for (const std::size_t b : r.stages[i].before) groups.back().before.push_back(group_at[b]);
    }
    groups[group_at[i]].stages.push_back(&r.stages[i]);
  }
  return groups;
}

// Where a parallel option would help: the stage of the group whose calls take most of the time. Null if none of them
// can be parallel.
const stage_report* heaviest(const group& g) {
  const stage_report* found = nullptr;
  double most = 0;
  for (const stage_report* s : g.stages) {
    if (!s->may_be_parallel) continue;
    const double time = static_cast<double>(s->in) * seconds(s->p50);
    if (found == nullptr || time > most) most = time, found = s;
  }
  return found;
}

std::string items(const live_figures& f) {
  const pipeline_report& r = f.sums;
  std::string text = short_number(static_cast<double>(r.items()));
  if (f.stage == run_stage::ended) return text;
  if (r.of_bytes > 0)
    text += fmt::format(" ({} of {})", short_bytes(static_cast<double>(r.bytes)),
                        short_bytes(static_cast<double>(r.of_bytes)));
  else if (r.total)
    text += "/" + short_number(static_cast<double>(*r.total));
  return text;
}

std::string pace(const live_figures& f) {
  const double took = seconds(f.sums.took);
  if (f.stage >= run_stage::drained) {
    const char* const how = f.stage == run_stage::ended     ? "in"
                            : f.stage == run_stage::drained ? "drained after"
                                                            : "cut short after";
    return fmt::format("{} {}  {}/s", how, short_duration(f.sums.took),
                       short_number(static_cast<double>(f.sums.items()) / std::max(took, 1e-9)));
  }
  std::string text = short_number(f.rate) + "/s";
  if (f.stage == run_stage::draining) return text + "  draining";
  text += f.eta ? "  eta " + short_clock(*f.eta) : "  " + short_clock(took);
  return text;
}

void add_errors(styled_line& line, const pipeline_report& r) {
  std::int64_t errors = 0;
  for (const stage_report& s : r.stages) errors += s.errors;
  if (errors > 0)
    line.add(fmt::format("  {} {}", short_number(static_cast<double>(errors)), errors == 1 ? "error" : "errors"),
             color::yellow);
}

styled_line how_far(const live_figures& f, int columns) {
  styled_line behind;
  behind.add(items(f)).add("  ").add(pace(f));
  add_errors(behind, f.sums);
  styled_line line;
  line.add(f.name).add("  ");
  const std::optional<double> share = f.stage == run_stage::ended ? 1.0 : f.sums.share();
  const int room = std::min(40, columns - line.width() - behind.width() - 1);
  if (share && room >= 10) line.bar(*share, room).add(" ");
  line.add(items(f)).add("  ").add(pace(f));
  add_errors(line, f.sums);
  return line;
}

styled_line graph(const live_figures& f, int columns) {
  const std::vector<group> groups = groups_of(f.lately);
  const auto draw = [&](bool all_names) {
    std::string text = "  ";
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const group& g = groups[i];
      // Where it is no chain, its beginning is said.
      if (i > 0 && g.before != std::vector<std::size_t>{i - 1}) {
        text += "; ";
        for (const std::size_t b : g.before) text += (b == g.before.front() ? "" : ", ") + groups[b].name(false);
      }
      if (!g.before.empty()) text += fmt::format(" -> [{}/{}] -> ", g.head().waiting, g.head().capacity);
      text += g.name(all_names);
    }
    return text;
  };
  styled_line line;
  line.add(draw(true));
  if (line.width() > columns) line = styled_line().add(draw(false));
  if (groups.size() < 2) return line;
  std::string blocked = "   blocked:";
  for (const group& g : groups)
    if (&g != &groups.back()) blocked += fmt::format(" {} {:.0f}%", g.head().name, 100 * g.blocked(f.lately.took));
  styled_line with_blocked = line;
  with_blocked.add(blocked);
  return with_blocked.width() <= columns ? with_blocked : line;
}

std::string cores(const live_figures& f) {
  return fmt::format("{:.1f} of {} {} busy", std::clamp(f.cores_busy, 0.0, static_cast<double>(f.cores)), f.cores,
                     f.cores == 1 ? "core" : "cores");
}

styled_line verdict(const live_figures& f) {
  const std::vector<group> groups = groups_of(f.lately);
  const stage_report* const slowest = f.lately.bottleneck();
  styled_line line;
  line.add("  ");
  const bool cores_left = f.cores_busy < f.cores - 0.5;
  const auto advice = [&](const group& g) {
    const stage_report* const s = heaviest(g);
    if (s == nullptr || !cores_left) return cores(f) + ".";
    if (s == slowest) return fmt::format("Try {}.parallel: {}.", s->parallel > 1 ? "a larger " : "", cores(f));
    return fmt::format("Try .parallel for {}: {}.", s->name, cores(f));
  };
  if (groups.size() == 1) return line.add("one actor runs all stages. " + advice(groups.front()));
  if (slowest == nullptr) return line.add("no bottleneck. " + cores(f) + ".");
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (&groups[i].head() != slowest) continue;
    line.add("bottleneck: ").add(slowest->name, color::yellow);
    std::string why;
    if (i > 0 && 2 * slowest->waiting > slowest->capacity) why = "input full";
    const auto starves = [i](const group& g) {
      return std::find(g.before.begin(), g.before.end(), i) != g.before.end() &&
             2 * g.head().waiting < g.head().capacity;
    };
    if (std::any_of(groups.begin(), groups.end(), starves)) why += why.empty() ? "output empty" : ", output empty";
    if (f.stage == run_stage::running && !why.empty()) line.add(fmt::format(" ({})", why));
    return line.add(". " + advice(groups[i]));
  }
  return line;
}

}  // namespace

std::vector<styled_line> live_lines(const live_figures& f, int columns) {
  return {how_far(f, columns), graph(f, columns), verdict(f)};
}

styled_line live_line(const live_figures& f) {
  styled_line line;
  line.add(f.name).add(": ").add(items(f)).add("  ").add(pace(f));
  add_errors(line, f.sums);
  if (const stage_report* const slowest = f.lately.bottleneck()) line.add("  bottleneck: ").add(slowest->name);
  return line;
}

}  // namespace weir::internal
