// Pipelines inside a pipeline: what merge, zip, tee and partition_by are made of.
//   branch_start<T>     the source of a branch whose items come from the stage it belongs to
//   branch_end          the end of a branch whose items go on into a target
//   join_point          the target of several branches: the stage behind them
//   sourced_branch      a pipeline with a source of its own, up to its target
//
// Thread-safety: as stage_input.h; join_point: all of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/channels/pipeline/feed.h"
#include "weir/channels/pipeline/node.h"
#include "weir/channels/pipeline/run_part.h"
#include "weir/runtime/scope.h"

namespace weir {

template <class T, class Source, class... Entries>
class pipeline;
template <class T, class Source, class... Entries>
class complete_pipeline;

namespace internal {

template <class P>
inline constexpr bool is_open_pipeline = false;
template <class T, class Source, class... Entries>
inline constexpr bool is_open_pipeline<pipeline<T, Source, Entries...>> = true;
template <class P>
inline constexpr bool is_complete_pipeline = false;
template <class T, class Source, class... Entries>
inline constexpr bool is_complete_pipeline<complete_pipeline<T, Source, Entries...>> = true;

template <class T>
struct branch_start {
  using value_type = T;
};
// What the function that builds a branch is given.
template <class T>
using branch_pipeline = pipeline<T, branch_start<T>>;

// `Target` has
//   take(value, meter)   called by several actors at once; false: no more is wanted
//   finish_one()         a branch has ended
//   follows(nodes)       before anything runs: it comes after these
template <class Target>
struct branch_end {
  Target* target;
};

// It is in nobody's way: what comes out of the stage before it goes straight into the target.
template <class In, class Target>
class node<In, branch_end<Target>> {
 public:
  using in_type = In;

  node(run_part& part, bool /*fed_by_many*/, branch_end<Target>&& end) : target_(*end.target) {
    target_.follows(part.before);
  }
  void start() noexcept {}
  [[gnu::always_inline]] bool push(In&& value, stage_meter& from) { return target_.take(std::move(value), from); }
  void finish() { target_.finish_one(); }

 private:
  Target& target_;
};

// A node from what comes before and a tuple of entries.
template <class Node, class... Entries, class... End>
Node make_node(run_part& part, bool fed_by_many, std::tuple<Entries...>&& entries, End&&... end) {
  return std::apply(
      [&](Entries&&... e) -> Node { return Node(part, fed_by_many, std::move(e)..., std::forward<End>(end)...); },
      std::move(entries));
}

template <class Next>
class join_point {
 public:
  // Before anything runs.
  void follows(const std::vector<std::size_t>& nodes) { before_.insert(before_.end(), nodes.begin(), nodes.end()); }
  const std::vector<std::size_t>& before() const noexcept { return before_; }
  void start(Next& next, int branches) noexcept {
    next_ = &next;
    open_.store(branches, std::memory_order_relaxed);
  }

  template <class T>
  bool take(T&& value, stage_meter& from) {
    return next_->push(typename Next::in_type(std::forward<T>(value)), from);
  }
  void finish_one() {
    // Acquire-release: the last one sees what the others have done.
    if (open_.fetch_sub(1, std::memory_order_acq_rel) == 1) next_->finish();
  }

 private:
  std::vector<std::size_t> before_;
  Next* next_ = nullptr;
  // Branches that have not ended. Written by start() before their actors are spawned, counted down by each branch.
  std::atomic<int> open_{0};
};

// Without the type of what it gives.
class branch_base {
 public:
  explicit branch_base(run_part& around) : part_(around) {}
  virtual ~branch_base() = default;
  virtual void start(scope& actors, const std::string& name) = 0;
  virtual std::optional<std::size_t> size() const = 0;

 protected:
  run_part part_;
};

template <class Pipeline, class Target>
class sourced_branch;
template <class T, class Source, class... Entries, class Target>
class sourced_branch<pipeline<T, Source, Entries...>, Target> final : public branch_base {
  using head_type = node<typename Source::value_type, Entries..., branch_end<Target>>;
  using feed_type = typename feed_of<Source, head_type>::type;

 public:
  sourced_branch(run_part& around, pipeline<T, Source, Entries...>&& p, Target& target)
      : branch_base(around),
        feed_(part_, p.take_source()),
        head_(make_node<head_type>(part_, feed_type::many, p.take_entries(), branch_end<Target>{&target})) {}

  void start(scope& actors, const std::string& name) override {
    part_.actors = &actors;
    head_.start();
    feed_.start(head_, name);
  }
  std::optional<std::size_t> size() const override { return feed_.size(); }

 private:
  feed_type feed_;
  head_type head_;
};

}  // namespace internal
}  // namespace weir
