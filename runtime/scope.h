// Scopes own actors: leaving one waits for all of them, and the first failure cancels the rest.
//
// Thread-safety: scope: all of it, by its body and by the actors in it.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/runtime/actor.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/scope_alarm.h"
#include "weir/runtime/internal/scope_core.h"

namespace weir {

class scope;

struct scope_options {
  // The most actors of the scope that live at once, from 1: spawn parks while there are so many. 0: any number.
  int limit = 0;
  // Receives the failures that came after the first, in the order in which they came, when the scope ends. May be null.
  std::vector<std::exception_ptr>* failures = nullptr;
  // When the scope is cancelled. If that cuts the body or an actor short, with_scope throws timed_out.
  weir::deadline deadline = {};
};

namespace internal {

// One with_scope in progress; on the stack of its host.
class scope_frame {
 public:
  // `call`: whose name errors carry.
  scope_frame(const char* call, const scope_options& options, site where);
  scope_frame(const scope_frame&) = delete;

  scope_core& node() noexcept { return node_; }
  runtime_core& runtime() noexcept;

  // How the body ended, if not by returning.
  void body_cancelled(const cancelled& c) noexcept { cancelled_by_ = c.scope(); }
  void body_failed(std::exception_ptr failure) noexcept { node_.fail(std::move(failure)); }
  // Waits for the actors and leaves the scope; then throws what the scope has to throw. False: its deadline cut it
  // short. `no_value`: the body should have returned a value and did not.
  bool finish(bool no_value);
  [[noreturn]] void throw_timed_out() const;

 private:
  actor_core& host_;
  scope_node& outer_;
  const char* const call_;
  std::vector<std::exception_ptr>* const failures_;
  const time_point entered_;  // only if it has a deadline
  const deadline deadline_;
  const scope_node* cancelled_by_ = nullptr;
  scope_core node_;
  scope_alarm alarm_;
};

}  // namespace internal

// The argument of with_scope's body.
class scope {
 public:
  explicit scope(internal::scope_frame& frame) noexcept : frame_(frame) {}
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

  // Starts an actor that the scope owns. See weir::spawn for the rest. If it fails, the scope is cancelled and
  // with_scope rethrows; in a cancelled scope the actor begins and is stopped at its first park.
  //
  // Parks only while scope_options.limit actors live: the end of one wakes it, in the order of the calls; a cancel
  // throws weir::cancelled (while the caller unwinds, it waits on). If the actors of the scope fill it and all of them
  // spawn, they wait for ever.
  //
  // Every 64th spawn into a scope gives way, as channel operations do now and then: its actors run before too many pile
  // up.
  template <class F>
  actor_ref<internal::actor_value_t<F>> spawn(std::string_view name, F&& f, spawn_options options = {},
                                              site where = site::current()) {
    internal::scope_core& node = frame_.node();
    node.admit();
    actor_ref<internal::actor_value_t<F>> made;
    try {
      made = actor_ref<internal::actor_value_t<F>>(
          internal::make_actor(frame_.runtime(), node, name, std::forward<F>(f), options, where));
    } catch (...) {
      node.give_place_back();
      throw;
    }
    node.made_one();
    return made;
  }
  template <class F>
  requires std::is_invocable_v < std::decay_t<F>
  & > actor_ref<internal::actor_value_t<F>> spawn(F&& f, spawn_options options = {}, site where = site::current()) {
    return spawn(std::string_view(), std::forward<F>(f), options, where);
  }

  // Cancels every actor in the scope, and its body. Returns at once. It is no failure: with_scope absorbs it.
  void cancel() noexcept { frame_.node().cancel(); }
  // This scope, or one around it, is cancelled.
  bool cancelled() noexcept { return frame_.node().is_cancelled(); }

 private:
  internal::scope_frame& frame_;
};

namespace internal {

// void: bool. Empty or false: the scope's deadline cut it short.
template <class T>
using unless_late = std::conditional_t<std::is_void_v<T>, bool, std::optional<T>>;

// Runs body(scope&), or body(), in the scope of `frame`, and leaves it.
template <class Body>
auto run_in_scope(scope_frame& frame, Body&& body) {
  scope s(frame);
  const auto call = [&]() -> decltype(auto) {
    if constexpr (std::is_invocable_v<Body, scope&>)
      return std::invoke(std::forward<Body>(body), s);
    else
      return std::invoke(std::forward<Body>(body));
  };
  using value_type = std::remove_cvref_t<decltype(call())>;
  constexpr bool has_value = !std::is_void_v<value_type>;
  unless_late<value_type> result{};
  bool returned = false;
  try {
    if constexpr (has_value)
      result.emplace(call());
    else
      call();
    returned = true;
  } catch (const cancelled& c) {
    frame.body_cancelled(c);
  } catch (...) {
    frame.body_failed(std::current_exception());  // rethrown by finish()
  }
  const bool in_time = frame.finish(has_value && !returned);
  if constexpr (has_value) {
    if (!in_time) result.reset();
  } else {
    result = in_time;
  }
  return result;
}

// The same, and throws timed_out.
template <class Body>
auto run_in_time(scope_frame& frame, Body&& body) {
  auto result = run_in_scope(frame, std::forward<Body>(body));
  if (!result) frame.throw_timed_out();
  if constexpr (!std::is_same_v<decltype(result), bool>) return std::move(*result);
}

}  // namespace internal

// Runs f(scope&) and returns its value when every actor in the scope has ended. REQUIRES: called by an actor.
//
// The first failure, of the body or of an actor, cancels the rest and is rethrown as it is. A cancel of the scope
// itself is absorbed; if it unwound a body that should have returned a value, actor_cancelled is thrown. A cancel from
// outside goes on outwards if it ended the body or an actor. While waiting for the actors a cancel changes nothing:
// they have met it too. Throws misuse on a plain thread, and if options are out of range.
//
// The actors may run after the body has returned, so what they share is declared outside: a reference to a local of the
// body dangles. And what was moved into the body's closure lives as long as the closure, which is longer than the
// scope: a sender there keeps its channel open, and who receives until the end waits for ever, unless the body moves it
// on or resets it.
//
//   std::vector<row> rows;                                            // not inside
//   weir::with_scope([&, tx = std::move(tx)](weir::scope& s) mutable {
//     s.spawn("parser", [&rows, rx] {
//       for (row& r : rx) rows.push_back(std::move(r));
//     });
//     s.spawn("reader", [tx = std::move(tx)] { read_rows(tx); });     // the last sender goes when the reader ends
//   });
template <class F>
auto with_scope(const scope_options& options, F&& f, site where = site::current()) {
  static_assert(std::is_invocable_v<F, scope&>, "weir::with_scope: the body takes a weir::scope&");
  internal::scope_frame frame("with_scope", options, where);
  return internal::run_in_time(frame, std::forward<F>(f));
}
template <class F>
auto with_scope(F&& f, site where = site::current()) {
  return with_scope(scope_options{}, std::forward<F>(f), where);
}

}  // namespace weir
