// Waiting for several actors, in ranges of actor<T> or actor_ref<T>.
//   join_all(actors [, limit])   all results, in the order of the range
//   join_any(actors [, limit])   which one has ended first
// See also as_completed.h.
//
// Thread-safety: as actor<T>: each handle is used by one at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/runtime/actor.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/exit_queue.h"

namespace weir {
namespace internal {

template <class T>
inline constexpr bool is_actor_handle = false;
template <class T>
inline constexpr bool is_actor_handle<actor<T>> = true;
template <class T>
inline constexpr bool is_actor_handle<actor_ref<T>> = true;

template <class Range>
concept actor_range =
    std::ranges::input_range<Range> && is_actor_handle<std::remove_cvref_t<std::ranges::range_reference_t<Range>>>;

[[noreturn]] void throw_late(const char* call, std::size_t left, site where);

}  // namespace internal

// Waits until every actor has ended, and gives their results in order: a vector, or nothing for void actors. If some
// failed, the failure of the first of them in the range is rethrown, the results of the others being lost; a cancelled
// one throws actor_cancelled. If `limit` comes before, throws timed_out and takes no result. A cancel throws
// weir::cancelled (while unwinding, it waits on). See actor_handle::join for the rest.
template <internal::actor_range Range>
requires std::ranges::forward_range<Range>
auto join_all(Range&& actors, deadline limit = {}, site where = site::current()) {
  std::size_t left = 0;
  for (auto& a : actors)
    if (left > 0 || !a.wait(limit, where)) ++left;
  if (left > 0) internal::throw_late("join_all", left, where);
  using handle = std::remove_cvref_t<std::ranges::range_reference_t<Range>>;
  using value = decltype(std::declval<handle&>().join());
  if constexpr (std::is_void_v<value>) {
    for (auto& a : actors) a.join(where);
  } else {
    std::vector<value> results;
    for (auto& a : actors) results.push_back(a.join(where));
    return results;
  }
}

// Parks until one of the actors has ended, and tells its place in the range; its result, or failure, is still to be had
// from its join(). Empty if `limit` came first, or if the range is empty. A cancel throws weir::cancelled (while
// unwinding, it waits on). Allocates some 150 bytes for each.
template <internal::actor_range Range>
std::optional<std::size_t> join_any(Range&& actors, deadline limit = {}, site where = site::current()) {
  internal::exit_queue ended("join_any", where);
  for (auto& a : actors) ended.watch(a.core("join_any", where));
  if (ended.left() == 0) return {};
  const std::optional<internal::exit_queue::ended> first = ended.pop(limit);
  return first ? std::optional(first->number) : std::nullopt;
}

}  // namespace weir
