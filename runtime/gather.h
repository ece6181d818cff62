// Several functions at once, each in an actor of its own, and their results in order.
//   gather(f, g, h)                a tuple
//   gather_each(range, f, {...})   a vector: f of each element
//
// Thread-safety: as with_scope.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <ranges>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "weir/runtime/base/site.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

namespace weir {

// What gather_each does about an element whose function failed.
enum class failure_policy {
  cancel_rest,  // cancels the others and rethrows the first failure; those that came later are in `failures`
  finish_rest,  // lets the others finish and rethrows the failure of the first element that has one; the rest are in
                // `failures`, in order
  leave_out,    // the element has no result; all failures are in `failures`, in order
};

struct gather_options {
  // The most functions that run at once, from 1. 0: all.
  int parallel = 0;
  failure_policy on_error = failure_policy::cancel_rest;
  // Receives the failures that are not thrown, when the call ends. May be null.
  std::vector<std::exception_ptr>* failures = nullptr;
};

namespace internal {

// What a function leaves behind; void results become std::monostate.
template <class T>
struct gathered {
  using value_type = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
  std::optional<value_type> value;
  std::exception_ptr failure;

  template <class Call>
  void fill(Call&& call) {
    if constexpr (std::is_void_v<T>) {
      std::forward<Call>(call)();
      value.emplace();
    } else {
      value.emplace(std::forward<Call>(call)());
    }
  }
  // Keeps the failure to itself. Not a cancel, which is none.
  template <class Call>
  void fill_or_fail(Call&& call) {
    try {
      fill(std::forward<Call>(call));
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      failure = std::current_exception();  // rethrown, or listed, when all have ended
    }
  }
};

// The functions' actors have ended, but not all have a result: the caller unwinds, or its shield's grace is over.
[[noreturn]] void throw_not_gathered(const char* call, site where);
// Puts the failures of finish_rest and leave_out where they belong.
void settle_failures(std::vector<std::exception_ptr> found, const gather_options& options);

template <class... Fs>
auto gather_at(site where, Fs&&... fs) {
  std::tuple<gathered<actor_value_t<Fs>>...> slots;
  with_scope(
      [&](scope& s) {
        const auto start = [&](auto& slot, auto& f) {
          s.spawn(
              "gather", [&slot, &f] { slot.fill([&]() -> decltype(auto) { return std::invoke(f); }); }, {}, where);
        };
        std::apply([&](auto&... slot) { (start(slot, fs), ...); }, slots);
      },
      where);
  return std::apply(
      [&](auto&... slot) {
        if (!(slot.value && ...)) throw_not_gathered("gather", where);
        return std::tuple<typename gathered<actor_value_t<Fs>>::value_type...>(std::move(*slot.value)...);
      },
      slots);
}

}  // namespace internal

// Runs the functions at once and returns a tuple of their results when all have ended; void ones give std::monostate,
// so that the places stay. The first failure cancels the rest and is rethrown. The functions are called where they are,
// not copied. A cancel throws weir::cancelled when all have met it. Allocates nothing but the actors.
template <class F, class G>
auto gather(F&& f, G&& g, site where = site::current()) {
  return internal::gather_at(where, f, g);
}
template <class F, class G, class H>
auto gather(F&& f, G&& g, H&& h, site where = site::current()) {
  return internal::gather_at(where, f, g, h);
}
template <class F, class G, class H, class I>
auto gather(F&& f, G&& g, H&& h, I&& i, site where = site::current()) {
  return internal::gather_at(where, f, g, h, i);
}
// Of more, dumps do not know the place: a parameter for it cannot follow a pack.
template <class F, class G, class H, class I, class J, class... More>
auto gather(F&& f, G&& g, H&& h, I&& i, J&& j, More&&... more) {
  return internal::gather_at(site{"gather"}, f, g, h, i, j, more...);
}

// Calls f(element) for each element, each in an actor of its own, at most options.parallel at once, and returns the
// results in the order of the elements; nothing if f returns nothing. f is called by several actors at once. A failure
// does what options.on_error says. A cancel throws weir::cancelled when all have met it.
//
// The elements of a container, and of any range that can be walked twice, stay where they are; those of a range that
// cannot, as a receiver, are moved into their actors, and the range is walked while the first ones run: with `parallel`
// only as fast as they end.
template <std::ranges::input_range Range, class F>
auto gather_each(Range&& elements, F&& f, const gather_options& options = {}, site where = site::current()) {
  using reference = std::ranges::range_reference_t<Range>;
  constexpr bool stays = std::ranges::forward_range<Range> && std::is_lvalue_reference_v<reference>;
  using element = std::conditional_t<stays, reference, std::ranges::range_value_t<Range>>;
  using value_type = std::remove_cvref_t<std::invoke_result_t<F&, std::add_lvalue_reference_t<element>>>;

  std::deque<internal::gathered<value_type>> slots;
  scope_options in_scope{.limit = options.parallel};
  if (options.on_error == failure_policy::cancel_rest) in_scope.failures = options.failures;
  internal::scope_frame frame("gather_each", in_scope, where);
  internal::run_in_time(frame, [&](scope& s) {
    const auto start = [&](auto&& e) {
      auto& slot = slots.emplace_back();
      s.spawn(
          "gather_each",
          [&slot, &f, keeps = options.on_error != failure_policy::cancel_rest,
           held = std::tuple<element>(std::forward<decltype(e)>(e))]() mutable {
            const auto call = [&]() -> decltype(auto) { return std::invoke(f, std::get<0>(held)); };
            if (keeps)
              slot.fill_or_fail(call);
            else
              slot.fill(call);
          },
          {}, where);
    };
    for (auto i = std::ranges::begin(elements); i != std::ranges::end(elements); ++i) {
      this_actor::check_cancel();
      if constexpr (stays)
        start(*i);
      else
        start(std::ranges::iter_move(i));
    }
  });

  std::vector<std::exception_ptr> found;
  for (auto& slot : slots) {
    if (slot.failure)
      found.push_back(std::move(slot.failure));
    else if (!slot.value)
      internal::throw_not_gathered("gather_each", where);
  }
  if (options.on_error != failure_policy::cancel_rest) internal::settle_failures(std::move(found), options);
  if constexpr (!std::is_void_v<value_type>) {
    std::vector<value_type> results;
    results.reserve(slots.size());
    for (auto& slot : slots)
      if (slot.value) results.push_back(std::move(*slot.value));
    return results;
  }
}

}  // namespace weir
