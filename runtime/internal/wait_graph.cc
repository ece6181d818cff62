#include "weir/runtime/internal/wait_graph.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <unordered_map>

#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/inspection.h"
#include "weir/runtime/internal/process.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/sanitizer.h"

namespace weir::internal {
namespace {

using kind = wait_target::kind;
using evidence = wait_graph::evidence;

constexpr std::size_t most_searched = 64;  // starts of a search for the shortest circle

// What a handle keeps of the side that could end the wait.
const void* handle_of(const wait_target& t) noexcept {
  return static_cast<const char*>(t.thing) + (t.what == kind::room ? receiver_mark : sender_mark);
}

bool is_channel(const wait_target& t) noexcept { return t.what == kind::room || t.what == kind::value; }

wait_graph::blocked describe(actor_core& a, const scope_node* parent) {
  wait_graph::blocked b{&a, a.id(), std::string(a.name()), a.where(), parent, false, {}, {}, {}, {}, {}, {}};
  if (b.name.empty()) b.name = "actor";
  const inspection held(a);
  if (const wait_reason* const why = held.reason()) {
    b.parked = true;
    b.verb = why->verb();
    b.object = why->object();
    b.where = why->where();
    why->add_targets(b.targets);
  }
  return b;
}

// Adds those of the sorted `things` that are among the words.
void match(const std::vector<const void*>& things, words w, std::vector<const void*>& found,
           const switch_annotation* elsewhere) {
  std::array<std::uintptr_t, 256> copy;
  while (w.count != 0) {
    const std::size_t n = std::min(w.count, copy.size());
    copy_any_words(w.begin, n, copy.data());
    for (std::size_t i = 0; i < n; ++i) {
      const void* const word = reinterpret_cast<const void*>(copy[i]);
      if (std::binary_search(things.begin(), things.end(), word)) found.push_back(word);
      if (elsewhere == nullptr) continue;
      if (const words frame = frame_elsewhere(*elsewhere, copy[i]); frame.count != 0)
        match(things, frame, found, nullptr);
    }
    w = {w.begin + n, w.count - n};
  }
}

void sort_out(std::vector<const void*>& v) {
  std::sort(v.begin(), v.end());
  v.erase(std::unique(v.begin(), v.end()), v.end());
}

}  // namespace

wait_graph::wait_graph(process_hold& held) {
  collect(held);
  look_through_stacks();
  connect();
  find_circle();
  find_followers();
}

void wait_graph::collect(process_hold& held) {
  bool complete = true;
  for (runtime_core* r : held.runtimes())
    r->root().visit_below([&](scope_node& n) {
      if (n.type() != scope_node::kind::actor || !complete) return;
      try {
        actors_.push_back(describe(*n.host(), n.parent()));
      } catch (const std::bad_alloc&) {
        complete = false;
      }
    });
  if (!complete) throw std::bad_alloc();
  std::stable_sort(actors_.begin(), actors_.end(), [](const blocked& a, const blocked& b) { return a.id < b.id; });
}

void wait_graph::look_through_stacks() {
  std::vector<const void*> handles;
  for (const blocked& b : actors_)
    for (const wait_target& t : b.targets)
      if (is_channel(t)) handles.push_back(handle_of(t));
  sort_out(handles);
  if (handles.empty()) return;
  for (blocked& b : actors_) {
    if (!b.parked) continue;
    // It was parked a moment ago, and nothing runs that could have changed that.
    auto& a = static_cast<actor_core&>(*const_cast<parker*>(b.who));
    constexpr std::uintptr_t word = sizeof(std::uintptr_t);
    const auto low = (reinterpret_cast<std::uintptr_t>(end_of_stack(a.context())) + word - 1) & ~(word - 1);
    const auto high = reinterpret_cast<std::uintptr_t>(a.stack()->top());
    match(handles, {reinterpret_cast<const std::uintptr_t*>(low), (high - low) / word}, b.holds,
          &a.context().annotation);
    sort_out(b.holds);
  }
}

void wait_graph::connect() {
  std::unordered_map<const parker*, std::size_t> at;
  std::unordered_map<const void*, std::vector<std::size_t>> holders;
  std::unordered_map<const scope_node*, std::vector<std::size_t>> children;
  for (std::size_t i = 0; i < actors_.size(); ++i) {
    at.emplace(actors_[i].who, i);
    children[actors_[i].scope].push_back(i);
    for (const void* thing : actors_[i].holds) holders[thing].push_back(i);
  }
  const auto known = [&](const wait_target& t) -> std::optional<std::size_t> {
    const auto found = at.find(t.by);
    if (found == at.end() || actors_[found->second].id != t.by_id) return {};
    return found->second;
  };
  const auto has = [&](std::size_t i, const void* thing) {
    return std::binary_search(actors_[i].holds.begin(), actors_[i].holds.end(), thing);
  };
  const auto waits_for_ends = [&](std::size_t i) {
    return std::any_of(actors_[i].targets.begin(), actors_[i].targets.end(),
                       [](const wait_target& t) { return t.what == kind::exit || t.what == kind::actors; });
  };
  for (std::size_t i = 0; i < actors_.size(); ++i)
    for (std::size_t k = 0; k < actors_[i].targets.size(); ++k) {
      const wait_target& t = actors_[i].targets[k];
      std::vector<edge>& edges = actors_[i].edges;
      const auto first = known(t);
      if (first && (!is_channel(t) || *first != i))
        edges.push_back({*first, k, !is_channel(t) || has(*first, handle_of(t)) ? evidence::sure : evidence::parked});
      if (t.what == kind::actors)
        for (std::size_t child : children[static_cast<const scope_node*>(t.thing)])
          edges.push_back({child, k, evidence::sure});
      if (!is_channel(t)) continue;
      for (std::size_t h : holders[handle_of(t)]) {
        if (first && h == *first && h != i) continue;
        edges.push_back({h, k, h == i || waits_for_ends(h) ? evidence::by_chance : evidence::holds});
      }
    }
}

// By breadth: a shortest one.
std::vector<wait_graph::step> wait_graph::circle_through(std::size_t start, evidence at_most) const {
  std::vector<step> came(actors_.size(), {actors_.size(), {}});
  std::vector<std::size_t> queue{start};
  for (std::size_t next = 0; next < queue.size(); ++next)
    for (const edge& e : actors_[queue[next]].edges) {
      if (e.how > at_most || came[e.to].from != actors_.size()) continue;
      came[e.to] = {queue[next], e};
      if (e.to != start) {
        queue.push_back(e.to);
        continue;
      }
      std::vector<step> back;
      for (std::size_t at = start; back.empty() || at != start; at = came[at].from) back.push_back(came[at]);
      std::reverse(back.begin(), back.end());
      return back;
    }
  return {};
}

void wait_graph::find_circle() {
  enum class mark : std::uint8_t { fresh, open, done };
  struct frame {
    std::size_t actor, next_edge;
  };
  for (const evidence at_most : {evidence::sure, evidence::parked, evidence::holds, evidence::by_chance}) {
    std::vector<mark> marks(actors_.size(), mark::fresh);
    std::vector<std::size_t> on_circle;  // of one circle, whichever the search by depth meets first
    for (std::size_t root = 0; root < actors_.size() && on_circle.empty(); ++root) {
      if (marks[root] != mark::fresh) continue;
      std::vector<frame> path{{root, 0}};
      marks[root] = mark::open;
      while (!path.empty() && on_circle.empty()) {
        frame& f = path.back();
        const std::vector<edge>& edges = actors_[f.actor].edges;
        if (f.next_edge == edges.size()) {
          marks[f.actor] = mark::done;
          path.pop_back();
          continue;
        }
        const edge& e = edges[f.next_edge++];
        if (e.how > at_most || marks[e.to] == mark::done) continue;
        if (marks[e.to] == mark::open) {
          for (auto at = path.rbegin();; ++at) {
            on_circle.push_back(at->actor);
            if (at->actor == e.to) break;
          }
        } else {
          marks[e.to] = mark::open;
          path.push_back({e.to, 0});
        }
      }
    }
    std::sort(on_circle.begin(), on_circle.end());
    for (std::size_t i = 0; i < std::min(on_circle.size(), most_searched); ++i)
      if (auto found = circle_through(on_circle[i], at_most); circle_.empty() || found.size() < circle_.size())
        circle_ = std::move(found);
    if (!circle_.empty()) break;
  }
  const auto lowest =
      std::min_element(circle_.begin(), circle_.end(), [](const step& a, const step& b) { return a.from < b.from; });
  std::rotate(circle_.begin(), lowest, circle_.end());
}

void wait_graph::find_followers() {
  std::vector<std::vector<std::size_t>> waiters(actors_.size());
  for (std::size_t i = 0; i < actors_.size(); ++i)
    for (const edge& e : actors_[i].edges) waiters[e.to].push_back(i);
  leads_.assign(actors_.size(), false);
  std::vector<std::size_t> queue;
  for (const step& s : circle_) queue.push_back(s.from);
  for (std::size_t next = 0; next < queue.size(); ++next)
    for (const std::size_t w : waiters[queue[next]])
      if (!leads_[w]) {
        leads_[w] = true;
        queue.push_back(w);
      }
  for (const step& s : circle_) leads_[s.from] = false;
}

}  // namespace weir::internal
