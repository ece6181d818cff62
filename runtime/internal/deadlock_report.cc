#include "weir/runtime/internal/deadlock_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <new>
#include <string>

#include "weir/runtime/internal/deadlock_hint.h"
#include "weir/runtime/internal/process.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/wait_graph.h"

namespace weir::internal {
namespace {

using kind = wait_target::kind;
using evidence = wait_graph::evidence;

constexpr std::size_t most_rows = 20;
constexpr std::size_t most_peers = 4;

std::string place(site where) { return fmt::format("{}:{}", where.base(), where.line); }

std::string number_and_name(const wait_graph::blocked& a) { return fmt::format("#{} {}", a.id, a.name); }

// `blocked in send on channel "lookups" 8/8 full`
std::string wait_of(const wait_graph::blocked& a) {
  if (!a.parked) return "runnable, but never run";
  return fmt::format("blocked in {}{}{}", a.verb, a.object.empty() ? "" : " on ", a.object);
}

// Of the call that waits. Some do not know theirs (what the standard's guards call, stages of a pipeline).
std::string place_of(const wait_graph::blocked& a) {
  return a.where.line != 0 ? "at " + place(a.where) : "spawned at " + place(a.spawned);
}

// `only receiver: #9 cache`, for each channel that the actor waits at.
std::string peers_of(const wait_graph& graph, const wait_graph::blocked& a) {
  std::string text;
  for (std::size_t k = 0; k < a.targets.size(); ++k) {
    const wait_target& t = a.targets[k];
    if (t.what != kind::room && t.what != kind::value) continue;
    const std::string side = t.what == kind::room ? "receiver" : "sender";
    std::string names;
    std::size_t count = 0;
    bool held = false;
    // Who only may have an old copy is named only if nobody is a better guess.
    evidence best = evidence::by_chance;
    for (const auto& e : a.edges)
      if (e.target == k) best = std::min(best, e.how);
    for (const auto& e : a.edges) {
      if (e.target != k || (e.how == evidence::by_chance && best != evidence::by_chance)) continue;
      held |= e.how != evidence::parked;
      if (++count > most_peers) continue;
      names += (count == 1 ? "" : ", ") + number_and_name(graph.actors()[e.to]);
    }
    if (count > most_peers) names += fmt::format(" and {} more", count - most_peers);
    text += "; ";
    if (t.handles == 0)
      text += fmt::format("no {} left", side);
    else if (count == 0)
      text += fmt::format("{} {}{}, held by none of these actors", t.handles, side, t.handles == 1 ? "" : "s");
    else if (t.handles == 1)
      text += fmt::format("{} {}: {}", count == 1 && held ? "only" : "last", side, names);
    else
      text += fmt::format("{} {}s: {}", t.handles, side, names);
  }
  return text;
}

// `enricher -> [lookups] -> cache -> [replies] -> enricher`
std::string chain(const wait_graph& graph) {
  std::string text = graph.actors()[graph.circle().front().from].name;
  for (const auto& s : graph.circle()) {
    const wait_target& t = graph.actors()[s.from].targets[s.by.target];
    text += t.what == kind::exit ? " -> (end of)" : fmt::format(" -> [{}]", t.label);
    text += " -> " + graph.actors()[s.by.to].name;
  }
  return text;
}

// A paragraph in lines of at most 112 characters, after a head.
std::string wrapped(const std::string& head, const std::string& text) {
  constexpr std::size_t width = 112;
  std::string out, line = head;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (line.size() > head.size() && line.size() + 1 + word.size() > width) {
      out += line + "\n";
      line = std::string(head.size(), ' ');
    }
    if (line.size() > head.size()) line += ' ';
    line += word;
    at = end + 1;
  }
  return out + line + "\n";
}

std::string rows_of_circle(const wait_graph& graph) {
  std::string text = fmt::format("  cycle: {}\n", chain(graph));
  std::size_t width = 0, rows = 0;
  for (const auto& s : graph.circle()) width = std::max(width, number_and_name(graph.actors()[s.from]).size());
  for (const auto& s : graph.circle()) {
    if (++rows > most_rows) break;
    const auto& a = graph.actors()[s.from];
    text +=
        fmt::format("    {:<{}}  {}, {}{}\n", number_and_name(a), width, wait_of(a), place_of(a), peers_of(graph, a));
  }
  if (graph.circle().size() > most_rows) text += fmt::format("    and {} more\n", graph.circle().size() - most_rows);
  return text;
}

// The actors for which which(index) is true, one in a line.
template <class Which>
std::string rows_of(const wait_graph& graph, const char* head, Which which) {
  std::string text;
  std::size_t width = 0, rows = 0;
  for (std::size_t i = 0; i < graph.actors().size(); ++i)
    if (which(i)) width = std::max(width, number_and_name(graph.actors()[i]).size());
  for (std::size_t i = 0; i < graph.actors().size(); ++i) {
    const auto& a = graph.actors()[i];
    if (!which(i) || ++rows > most_rows) continue;
    text +=
        fmt::format("    {:<{}}  {}, {}{}\n", number_and_name(a), width, wait_of(a), place_of(a), peers_of(graph, a));
  }
  if (rows == 0) return "";
  if (rows > most_rows) text += fmt::format("    and {} more\n", rows - most_rows);
  return fmt::format("  {}:\n{}", head, text);
}

std::string text_of(const wait_graph& graph) {
  const std::size_t n = graph.actors().size();
  std::string text =
      n == 1 ? "DEADLOCK: the only actor is blocked and nothing is left that could wake it\n"
             : fmt::format("DEADLOCK: all {} actors are blocked and nothing is left that could wake them\n", n);
  text += "  (0 timers, 0 descriptors or signals, 0 blocking calls, 0 other threads)\n";
  const auto& circle = graph.circle();
  if (circle.empty()) {
    text += rows_of(graph, "blocked", [](std::size_t) { return true; });
  } else {
    text += rows_of_circle(graph);
    text += rows_of(graph, "also blocked because of it", [&](std::size_t i) { return graph.waits_for_circle(i); });
    text += rows_of(graph, "blocked besides", [&](std::size_t i) {
      return !graph.waits_for_circle(i) &&
             std::none_of(circle.begin(), circle.end(), [&](const auto& s) { return s.from == i; });
    });
  }
  return text + wrapped("  hint: ", deadlock_hint(graph));
}

}  // namespace

stillness report_deadlock() noexcept {
  process_hold held;
  const stillness seen = look_for_life(held);
  if (seen != stillness::dead) return seen;
  std::shared_ptr<const std::string> report;
  try {
    report = std::make_shared<const std::string>(text_of(wait_graph(held)));
  } catch (const std::bad_alloc&) {
    return stillness::doubtful;  // it is tried again
  }
  int runs = 0;
  for (runtime_core* r : held.runtimes()) runs += r->runs().load(std::memory_order_relaxed);
  if (runs == 0) {
    fmt::print(stderr, "weir: {}", *report);
    std::fflush(stderr);
  }
  // All of them know before any is broken up: what one's actors do while they end must not look like life to another.
  for (runtime_core* r : held.runtimes())
    if (r->alive() != 0 && r->deadlock() == nullptr) r->set_deadlock(report);
  for (runtime_core* r : held.runtimes()) r->watchdog().stir();
  return seen;
}

}  // namespace weir::internal
