// as_completed: actors one by one, as they end.
//
// Thread-safety: the range is used by one actor or thread at a time.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/runtime/actor.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/exit_queue.h"
#include "weir/runtime/join.h"

namespace weir {

// An actor that has ended. `Handle` is actor<T> or actor_ref<T>.
template <class Handle>
struct completed {
  std::size_t index;  // its place in the range
  Handle& actor;

  // As Handle::join; does not park.
  auto join(site where = site::current()) { return actor.join(where); }
};

// What as_completed gives: an input range of completed<Handle>. Each step parks until the next actor has ended.
template <std::ranges::view Actors>
class completion_range {
  using handle = std::remove_reference_t<std::ranges::range_reference_t<Actors>>;

 public:
  completion_range(Actors actors, deadline limit, site where)
      : actors_(std::move(actors)), limit_(limit), where_(where), ended_("as_completed", where) {
    for (handle& a : actors_) {
      handles_.push_back(&a);
      ended_.watch(a.core("as_completed", where));
    }
  }
  completion_range(const completion_range&) = delete;
  completion_range& operator=(const completion_range&) = delete;

  class iterator {
   public:
    using value_type = completed<handle>;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(completion_range& from) : from_(&from) { ++*this; }
    value_type operator*() const noexcept { return {*at_, *from_->handles_[*at_]}; }
    iterator& operator++() {
      at_ = from_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !at_.has_value(); }

   private:
    completion_range* from_ = nullptr;
    std::optional<std::size_t> at_;
  };
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::optional<std::size_t> next() {
    if (ended_.left() == 0) return {};
    const std::optional<internal::exit_queue::ended> first = ended_.pop(limit_);
    if (!first) internal::throw_late("as_completed", ended_.left(), where_);
    return first->number;
  }

  Actors actors_;
  const deadline limit_;
  const site where_;
  std::vector<handle*> handles_;
  internal::exit_queue ended_;
};

// Of actors: a range that gives each when it has ended, the first one first. Their results and failures come from
// join(). The actors stay the caller's, also those that the loop did not come to; a range that is a temporary is kept.
//
//   for (auto done : weir::as_completed(actors)) total += done.join();
//
// Each step parks until the next one has ended. A cancel throws weir::cancelled; when `limit` comes first, timed_out is
// thrown. Allocates some 150 bytes for each actor.
template <internal::actor_range Range>
auto as_completed(Range&& actors, deadline limit = {}, site where = site::current()) {
  return completion_range<std::views::all_t<Range>>(std::views::all(std::forward<Range>(actors)), limit, where);
}

// Of functions: the same, for actors that it spawns to run them, all at once. They belong to the range: those that have
// not ended when it goes are cancelled and waited for.
template <std::ranges::input_range Range>
requires std::invocable < std::ranges::range_value_t<Range>
& > auto as_completed(Range&& functions, deadline limit = {}, site where = site::current()) {
  using function = std::ranges::range_value_t<Range>;
  using source = std::conditional_t<std::is_lvalue_reference_v<Range>, const function&, function&&>;
  std::vector<actor<internal::actor_value_t<function>>> actors;
  for (auto&& f : functions) actors.push_back(spawn("as_completed", static_cast<source>(f), {}, where));
  return as_completed(std::move(actors), limit, where);
}

}  // namespace weir
