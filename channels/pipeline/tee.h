// tee(branches...): every branch gets a copy of each item, and the items go on.
//
// Thread-safety: as pipeline.h.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weir/channels/pipeline/branch.h"
#include "weir/channels/pipeline/node.h"
#include "weir/channels/pipeline/sinks.h"
#include "weir/channels/sender.h"

namespace weir {
namespace internal {

template <class T>
class tee_target {
 public:
  virtual ~tee_target() = default;
  virtual bool push(T&& copy, stage_meter& from) = 0;
  virtual void finish() = 0;
};

template <class T, class Built>
class tee_branch;
// A branch has a queue, so that it and the others do not wait for each other's every item.
template <class T, class U, class... Entries>
class tee_branch<T, complete_pipeline<U, branch_start<T>, Entries...>> final : public tee_target<T> {
  using head_type = node<T, Entries...>;
  static_assert(std::is_void_v<decltype(std::declval<head_type&>().sink().take())>,
                "weir::tee: the result of a branch would be lost: let it end in weir::into");

 public:
  tee_branch(run_part& around, branch_count& siblings, complete_pipeline<U, branch_start<T>, Entries...>&& built)
      : part_(around, siblings, {}), head_(make_node<head_type>(part_, true, built.take_entries())) {}

  void start(scope& actors) {
    part_.actors = &actors;
    head_.start();
  }
  bool push(T&& copy, stage_meter& from) override { return head_.push(std::move(copy), from); }
  void finish() override { head_.finish(); }

 private:
  run_part part_;
  head_type head_;
};

template <class T, class Branch>
using built_branch = std::remove_cvref_t<std::invoke_result_t<Branch&, branch_pipeline<T>>>;

template <class... Branches>
struct tee_stage {
  static constexpr const char* kind = "tee";
  static constexpr bool is_sink = false, needs_queue = false, alone = true, calls = true;
  static constexpr std::size_t count = sizeof...(Branches);

  template <class T, class Branch>
  static constexpr void check_branch() {
    constexpr bool callable = std::is_invocable_v<Branch&, branch_pipeline<T>>;
    static_assert(callable,
                  "weir::tee: a branch is a weir::sender, or a function that takes its start: [](auto b) { return b | "
                  "weir::into(f); }");
    if constexpr (callable) {
      static_assert(is_complete_pipeline<built_branch<T, Branch>>,
                    "weir::tee: the branch has no end: let it end in weir::into");
    }
  }
  template <class T>
  static constexpr void check() {
    static_assert(std::is_copy_constructible_v<T>, "weir::tee: each branch gets a copy, so T must be copyable");
    (check_branch<T, Branches>(), ...);
  }
  template <class T>
  using output = T;

  // What belongs to it beside the stages behind, which are one branch more.
  template <class T, class Next>
  class sides {
   public:
    static constexpr bool feed_next = false;

    sides(tee_stage& stage, run_part& part, Next&)
        : wanting_(static_cast<int>(count + 1)),
          branches_(std::apply(
              [&](auto&... b) {
                return std::tuple<std::unique_ptr<tee_branch<T, built_branch<T, Branches>>>...>{
                    std::make_unique<tee_branch<T, built_branch<T, Branches>>>(
                        part, wanting_, b(branch_pipeline<T>(branch_start<T>{}, {})))...};
              },
              stage.branches)),
          behind_(part, wanting_, {}) {}

    run_part& behind(run_part&) noexcept { return behind_; }
    void start(run_part& part) {
      behind_.actors = part.actors;
      std::apply([&](auto&... b) { (b->start(*part.actors), ...); }, branches_);
    }

   private:
    branch_count wanting_;
    std::tuple<std::unique_ptr<tee_branch<T, built_branch<T, Branches>>>...> branches_;
    run_part behind_;
    friend tee_stage;
  };

  template <class T>
  struct instance {
    struct side {
      tee_target<T>* target;
      bool wants = true;
    };
    std::array<side, count> sides;
    run_part* behind;  // null: wants no more
    template <class Call, class Emit>
    bool process(T& item, Call& call, const Emit& emit) {
      const auto copy = [](const T& i) { return T(i); };
      bool wanted = false;
      for (side& s : sides) {
        if (!s.wants) continue;
        auto c = call(copy, std::as_const(item));
        s.wants = !c || s.target->push(*std::move(c), call.meter());
        wanted = wanted || s.wants;
      }
      if (behind != nullptr) {
        if (emit(std::move(item)))
          wanted = true;
        else
          std::exchange(behind, nullptr)->unwanted();
      }
      return wanted;
    }
    template <class Emit>
    void end(const Emit&) {
      for (side& s : sides) s.target->finish();
    }
  };
  template <class T, class Next>
  instance<T> make(sides<T, Next>& own) {
    using side = typename instance<T>::side;
    return std::apply([&](auto&... b) { return instance<T>{{side{b.get()}...}, &own.behind_}; }, own.branches_);
  }

  std::tuple<Branches...> branches;
};

template <class To>
auto as_branch(sender<To> tx) {
  // Called once. Keeps none, as the channel is to close when the branch ends.
  return [tx = std::move(tx)](auto start) mutable { return std::move(start) | into(std::move(tx)); };
}
template <class F>
F as_branch(F f) {
  return f;
}

}  // namespace internal

// A branch is a weir::sender, to which each item is sent, or a function that builds it: it takes the branch's start and
// returns it with stages and an end, [](auto b) { return b | weir::map(f) | weir::into(g); }. What stands behind tee in
// the pipeline is one branch more.
//
// Each branch has a queue and goes at its own pace, until its queue is full: then the stages before tee wait, so the
// slowest branch bounds the others. A branch that wants no more, as its take() is through or nobody receives from its
// channel, leaves the others running; when all have come to that, the stages before tee end. A branch that fails ends
// the pipeline. on_error speaks of the copying.
template <class... Branches>
auto tee(Branches... branches) {
  static_assert(sizeof...(Branches) > 0, "weir::tee: name at least one branch: a weir::sender, or a function");
  const auto stage = []<class... B>(B... b) { return internal::tee_stage<B...>{{std::move(b)...}}; };
  return internal::entry(stage(internal::as_branch(std::move(branches))...), {});
}

}  // namespace weir
