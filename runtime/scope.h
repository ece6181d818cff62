// Scopes own actors: leaving one waits for all of them, and the first failure cancels the rest.
//
// Thread-safety: scope: all of it, by its body and by the actors in it.
#pragma once

#include <exception>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/runtime/actor.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/scope_node.h"

namespace weir {

class scope;

struct scope_options {
  // Receives the failures that came after the first, in order, when the scope ends. May be null.
  std::vector<std::exception_ptr>* failures = nullptr;
};

namespace internal {

// One with_scope in progress; on the stack of its host.
class scope_frame {
 public:
  scope_frame(const scope_options& options, site where);
  scope_frame(const scope_frame&) = delete;

  scope_node& node() noexcept { return node_; }
  runtime_core& runtime() noexcept;

  // How the body ended, if not by returning.
  void body_cancelled(const cancelled& c) noexcept { cancelled_by_ = c.scope(); }
  void body_failed(std::exception_ptr failure) noexcept { node_.fail(std::move(failure)); }
  // Waits for the actors and leaves the scope; then throws what the scope has to throw. `no_value`: the body should
  // have returned a value and did not.
  void finish(bool no_value);

 private:
  actor_core& host_;
  scope_node& outer_;
  scope_options options_;
  const scope_node* cancelled_by_ = nullptr;
  scope_node node_;
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
  template <class F>
  actor_ref<internal::actor_value_t<F>> spawn(std::string_view name, F&& f, spawn_options options = {},
                                              site where = site::current()) {
    return actor_ref<internal::actor_value_t<F>>(
        internal::make_actor(frame_.runtime(), frame_.node(), name, std::forward<F>(f), options, where));
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

// Runs f(scope&) and returns its value when every actor in the scope has ended. REQUIRES: called by an actor.
//
// The first failure, of the body or of an actor, cancels the rest and is rethrown as it is. A cancel of the scope
// itself is absorbed; if it unwound a body that should have returned a value, actor_cancelled is thrown. A cancel from
// outside goes on outwards if it ended the body or an actor. While waiting for the actors a cancel changes nothing:
// they have met it too.
template <class F>
auto with_scope(const scope_options& options, F&& f, site where = site::current()) {
  using value_type = std::remove_cvref_t<std::invoke_result_t<F, scope&>>;
  constexpr bool has_value = !std::is_void_v<value_type>;
  std::conditional_t<has_value, std::optional<value_type>, bool> result{};
  internal::scope_frame frame(options, where);
  scope s(frame);
  try {
    if constexpr (has_value)
      result.emplace(std::forward<F>(f)(s));
    else
      std::forward<F>(f)(s);
  } catch (const cancelled& c) {
    frame.body_cancelled(c);
  } catch (...) {
    frame.body_failed(std::current_exception());  // rethrown by finish()
  }
  if constexpr (has_value) {
    frame.finish(!result.has_value());
    return std::move(*result);
  } else {
    frame.finish(false);
  }
}
template <class F>
auto with_scope(F&& f, site where = site::current()) {
  return with_scope(scope_options{}, std::forward<F>(f), where);
}

}  // namespace weir
