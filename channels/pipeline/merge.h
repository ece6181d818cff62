// merge(pipelines...): one pipeline of what several give, as it comes; those of one pipeline in its order.
//
// Thread-safety: as pipeline.h.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/channels/pipeline/branch.h"
#include "weir/runtime/base/errors.h"

namespace weir {
namespace internal {

// `Branches`: a tuple of pipelines, or a vector of equal ones.
template <class T, class Branches>
class merge_source {
 public:
  using value_type = T;

  explicit merge_source(Branches branches) : branches_(std::move(branches)) {}

  // Each branch pushes into the queue of the stage behind, which lets in who waits longest.
  template <class Head>
  class feed {
   public:
    static constexpr bool many = true;

    feed(run_part& part, merge_source&& source) : part_(part) {
      const auto add = [&]<class P>(P& p) {
        branches_.push_back(std::make_unique<sourced_branch<P, join_point<Head>>>(part, std::move(p), join_));
      };
      if constexpr (requires { source.branches_.size(); })
        for (auto& p : source.branches_) add(p);
      else
        std::apply([&](auto&... p) { (add(p), ...); }, source.branches_);
      part.before = join_.before();
    }

    std::optional<std::size_t> size() const {
      std::size_t sum = 0;
      for (const auto& b : branches_) {
        const auto n = b->size();
        if (!n) return {};
        sum += *n;
      }
      return sum;
    }
    void start(Head& head, const std::string& name) {
      join_.start(head, static_cast<int>(branches_.size()));
      for (const auto& b : branches_) b->start(*part_.actors, name);
    }

   private:
    run_part& part_;
    join_point<Head> join_;
    std::vector<std::unique_ptr<branch_base>> branches_;
  };

 private:
  Branches branches_;
};

}  // namespace internal

// Each of them runs as it would by itself, and has its turn: when the stage behind is busy, who waits longest goes
// first. It ends when all have ended. One that fails cancels the others; once nobody wants more, all of them end.
template <class... Pipelines>
auto merge(Pipelines... pipelines) {
  constexpr bool are_pipelines = sizeof...(Pipelines) > 0 && (internal::is_open_pipeline<Pipelines> && ...);
  static_assert(
      are_pipelines,
      "weir::merge: it takes pipelines without an end, such as weir::from(a) and weir::from(b) | weir::map(f)");
  if constexpr (are_pipelines) {
    constexpr bool common = requires { typename std::common_type<typename Pipelines::value_type...>::type; };
    static_assert(common, "weir::merge: what the pipelines give has no common type");
    if constexpr (common) {
      using value_type = std::common_type_t<typename Pipelines::value_type...>;
      using source_type = internal::merge_source<value_type, std::tuple<Pipelines...>>;
      return pipeline<value_type, source_type>(source_type(std::tuple<Pipelines...>(std::move(pipelines)...)), {});
    }
  }
}
// The same of any number. Throws misuse if there are none.
template <class T, class Source, class... Entries>
auto merge(std::vector<pipeline<T, Source, Entries...>> pipelines, site where = site::current()) {
  if (pipelines.empty())
    internal::throw_misuse("merge", "there must be at least one pipeline", "none", "Give it one.", where);
  using source_type = internal::merge_source<T, std::vector<pipeline<T, Source, Entries...>>>;
  return pipeline<T, source_type>(source_type(std::move(pipelines)), {});
}

}  // namespace weir
