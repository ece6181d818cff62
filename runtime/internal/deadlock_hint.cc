#include "weir/runtime/internal/deadlock_hint.h"

#include <fmt/core.h>

#include <algorithm>

namespace weir::internal {
namespace {

using kind = wait_target::kind;

const wait_target& awaited(const wait_graph& graph, const wait_graph::step& s) {
  return graph.actors()[s.from].targets[s.by.target];
}

std::string name(const wait_graph& graph, std::size_t i) {
  return fmt::format("#{} {}", graph.actors()[i].id, graph.actors()[i].name);
}

const wait_graph::step* find(const wait_graph& graph, kind what) {
  const auto found = std::find_if(graph.circle().begin(), graph.circle().end(),
                                  [&](const wait_graph::step& s) { return awaited(graph, s).what == what; });
  return found == graph.circle().end() ? nullptr : &*found;
}

std::string hint_for_circle(const wait_graph& graph) {
  if (const wait_graph::step& only = graph.circle().front(); only.from == only.by.to) {
    const bool receives = awaited(graph, only).what == kind::value;
    return fmt::format(
        "a channel closes when its last {0} goes, and {1} keeps one of \"{2}\" itself while it waits at the other end. "
        "Move "
        "the {0} to who {3}, or reset() it before.",
        receives ? "sender" : "receiver", name(graph, only.from), awaited(graph, only).label,
        receives ? "sends" : "receives");
  }
  const wait_graph::step* const room = find(graph, kind::room);
  const wait_graph::step* const value = find(graph, kind::value);
  const wait_graph::step* const lock = find(graph, kind::lock);
  const wait_graph::step* const exit = find(graph, kind::exit);
  const wait_graph::step* const end = exit != nullptr ? exit : find(graph, kind::actors);
  if (lock != nullptr && room == nullptr && value == nullptr && end == nullptr)
    return "take several locks in the same order everywhere, or all at once: std::scoped_lock both(a, b) cannot end in "
           "a "
           "circle.";
  if (lock != nullptr)
    return fmt::format(
        "{} waits while it holds what another needs to go on. Unlock before a send, a receive or a join, and lock "
        "again "
        "afterwards.",
        name(graph, lock->by.to));
  if (end != nullptr && value != nullptr)
    return fmt::format(
        "\"{}\" closes when its last sender goes, and {} keeps one while it waits for the end of the actor that "
        "receives. "
        "Move the sender into the actor that sends, or reset() it before the wait.",
        awaited(graph, *value).label, name(graph, value->by.to));
  if (end != nullptr && room != nullptr)
    return fmt::format(
        "{} holds the receiver of \"{}\", but waits for the end of the actor that sends. Receive first, or give \"{}\" "
        "room "
        "for all that is sent before the end.",
        name(graph, room->by.to), awaited(graph, *room).label, awaited(graph, *room).label);
  if (end != nullptr)
    return "actors that wait for each other's end never end. Let one of them send what it has over a channel, and end, "
           "instead of joining the other.";
  if (room != nullptr && value == nullptr)
    return fmt::format(
        "actors that send to each other must not all block in send; select over send and recv, or give \"{}\" room for "
        "every message that can be under way.",
        awaited(graph, graph.circle().back()).label);
  if (room == nullptr) return "each of them waits for the other's message first. One has to send before it receives.";
  return "one of them sends while its peer sends or waits elsewhere: select over all that can come next, or give a "
         "receive "
         "or a send a deadline.";
}

// Nobody could be shown to wait in a circle: what looks most like the cause.
std::string hint_without_circle(const wait_graph& graph) {
  for (const auto& a : graph.actors())
    if (!a.parked)
      return fmt::format("#{} {} does not wait, and yet nobody runs it. This is a fault in weir itself.", a.id, a.name);
  for (const auto& a : graph.actors())
    for (const wait_target& t : a.targets) {
      const bool others = !a.edges.empty();
      if (t.what == kind::value && !others)
        return fmt::format(
            "no blocked actor has a sender of \"{}\" on its stack. A channel closes when its last sender goes: look "
            "for one "
            "in an object on the heap or in a plain thread.",
            t.label);
      if (t.what == kind::room && !others)
        return fmt::format(
            "no blocked actor has a receiver of \"{}\" on its stack. A channel closes when its last receiver goes: "
            "look for one "
            "in an object on the heap or in a plain thread.",
            t.label);
    }
  for (const auto& a : graph.actors())
    if (a.verb == "sleep")
      return "a sleep without an end can only be ended by a cancel. What waits for a signal should select on it.";
  return "what they wait for has to be set, notified or released by an actor that can still run. Look for the one that "
         "ended, or threw, before it did.";
}

}  // namespace

std::string deadlock_hint(const wait_graph& graph) {
  return graph.circle().empty() ? hint_without_circle(graph) : hint_for_circle(graph);
}

}  // namespace weir::internal
