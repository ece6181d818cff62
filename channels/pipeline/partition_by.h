// partition_by(key, n, build): the stages that `build` makes run n times side by side; items of the same key go to the
// same one, in order.
//
// Thread-safety: as pipeline.h.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/channels/pipeline/branch.h"
#include "weir/channels/pipeline/grouping.h"
#include "weir/channels/pipeline/node.h"
#include "weir/runtime/base/site.h"

namespace weir {
namespace internal {

template <class T>
class partition_target {
 public:
  virtual ~partition_target() = default;
  virtual bool push(T&& item, stage_meter& from) = 0;
  virtual void finish() = 0;
};

template <class T, class Built, class Next>
class partition_lane;
template <class T, class U, class... Entries, class Next>
class partition_lane<T, pipeline<U, branch_start<T>, Entries...>, Next> final : public partition_target<T> {
  using head_type = node<T, Entries..., branch_end<join_point<Next>>>;

 public:
  partition_lane(run_part& around, branch_count& siblings, int which, pipeline<U, branch_start<T>, Entries...>&& built,
                 join_point<Next>& join)
      : part_(around, siblings, '[' + std::to_string(which) + ']'),
        head_(make_node<head_type>(part_, true, built.take_entries(), branch_end<join_point<Next>>{&join})) {}

  void start(scope& actors) {
    part_.actors = &actors;
    head_.start();
  }
  bool push(T&& item, stage_meter& from) override { return head_.push(std::move(item), from); }
  void finish() override { head_.finish(); }

 private:
  run_part part_;
  head_type head_;
};

// Spreads what std::hash gives, which for numbers is often the number.
inline std::size_t partition_of(std::size_t hash, std::size_t n) noexcept {
  const std::uint64_t mixed = (static_cast<std::uint64_t>(hash) ^ (static_cast<std::uint64_t>(hash) >> 32)) *
                              0x9e3779b97f4a7c15U;  // 2^64 / golden ratio (Knuth, TAOCP 3, 6.4)
  return static_cast<std::size_t>(((mixed >> 32) * n) >> 32);
}

template <class Key, class Build>
struct partition_by_stage {
  static constexpr const char* kind = "partition_by";
  static constexpr bool is_sink = false, needs_queue = false, alone = true, calls = true;

  template <class T>
  using built = std::remove_cvref_t<std::invoke_result_t<Build&, branch_pipeline<T>>>;
  template <class T>
  using key_type = std::remove_cvref_t<std::invoke_result_t<Key&, const T&>>;

  template <class T>
  static constexpr void check() {
    constexpr bool has_key = std::is_invocable_v<Key&, const T&>;
    static_assert(has_key,
                  "weir::partition_by: the key's function does not take a const T& of what the stage before it gives");
    if constexpr (has_key) {
      constexpr bool hashable = requires(const key_type<T>& k) {
        { std::hash<key_type<T>>{}(k) } -> std::convertible_to<std::size_t>;
      };
      static_assert(hashable, "weir::partition_by: there is no std::hash for the key");
    }
    constexpr bool builds = std::is_invocable_v<Build&, branch_pipeline<T>>;
    static_assert(builds,
                  "weir::partition_by: the last argument is a function that takes the start of a partition and returns "
                  "it with stages: [](auto part) { return part | weir::map(f); }");
    if constexpr (builds)
      static_assert(is_open_pipeline<built<T>>,
                    "weir::partition_by: the partitions come together again, so they have no end: leave out into");
  }
  template <class T>
  using output = typename built<T>::value_type;

  // The partitions, which end at the stage behind.
  template <class T, class Next>
  class sides {
    using lane = partition_lane<T, built<T>, Next>;

   public:
    static constexpr bool feed_next = true;

    sides(partition_by_stage& stage, run_part& part, Next& next)
        : next_(next), wanting_(static_cast<int>(stage.count)) {
      for (std::size_t i = 0; i < stage.count; ++i)
        lanes_.push_back(std::make_unique<lane>(part, wanting_, static_cast<int>(i),
                                                stage.build(branch_pipeline<T>(branch_start<T>{}, {})), join_));
    }

    run_part& behind(run_part& part) {
      part.before = join_.before();
      return part;
    }
    void start(run_part& part) {
      join_.start(next_, static_cast<int>(lanes_.size()));
      for (const auto& l : lanes_) l->start(*part.actors);
    }

   private:
    friend partition_by_stage;
    Next& next_;
    join_point<Next> join_;
    branch_count wanting_;
    std::vector<std::unique_ptr<lane>> lanes_;
  };

  template <class T>
  struct instance {
    struct side {
      partition_target<T>* target;
      bool wants = true;
    };
    Key* key;
    std::vector<side> sides;
    std::size_t wanting = sides.size();
    template <class Call, class Emit>
    bool process(T& item, Call& call, const Emit&) {
      const auto which = [this](const T& i) {
        return partition_of(std::hash<key_type<T>>{}(std::invoke(*key, i)), sides.size());
      };
      const auto found = call(which, std::as_const(item));
      if (!found) return true;
      side& s = sides[*found];
      if (s.wants && !s.target->push(std::move(item), call.meter())) {
        s.wants = false;
        --wanting;
      }
      return wanting > 0;
    }
    template <class Emit>
    void end(const Emit&) {
      for (side& s : sides) s.target->finish();
    }
  };
  template <class T, class Next>
  instance<T> make(sides<T, Next>& own) {
    std::vector<typename instance<T>::side> targets;
    for (const auto& l : own.lanes_) targets.push_back({l.get()});
    return {std::addressof(key), std::move(targets)};
  }

  Key key;
  std::size_t count;
  Build build;
};

}  // namespace internal

// `build` is called n times, once for each partition, with the start of the partition, and returns that with stages:
// [](auto part) { return part | weir::map_with(make_state, f); }. What the partitions give goes on as it comes: of one
// key in order, if its stages keep the order. std::hash of the key decides.
//
// Each partition has actors and a queue of its own; when one queue is full, the stages before wait, so a key that is in
// most of the items bounds the others. A partition that wants no more leaves the others running, and its items out;
// when all have come to that, the stages before end. A stage that fails ends the pipeline. on_error speaks of
// key(item). REQUIRES: n from 1; else throws misuse.
template <class Key, class Build>
auto partition_by(Key key, long long n, Build build, site where = site::current()) {
  internal::require_at_least_one("partition_by", "the number of partitions", n,
                                 "Say how many run side by side: weir::partition_by(key, 4, build).", where);
  return internal::entry(
      internal::partition_by_stage<Key, Build>{std::move(key), static_cast<std::size_t>(n), std::move(build)}, {});
}

}  // namespace weir
