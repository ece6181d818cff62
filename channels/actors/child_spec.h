// child_spec: what a supervisor needs to know about one of its children; supervised: what a child sees of its
// supervisor.
//
// Thread-safety: child_spec: a value. supervised: all of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/actors/internal/event_case.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/base/spawn_options.h"
#include "weir/runtime/internal/event.h"

namespace weir {

// When a child that has ended is started again.
enum class child_kind : std::uint8_t {
  permanent,  // always
  transient,  // if it failed or was cancelled by others; not if it returned
  temporary,  // never; it is forgotten
};

// One life of a child, from start to end.
class supervised {
 public:
  supervised() = default;
  supervised(const supervised&) = delete;

  // The child is up: with child_spec.awaits_ready the supervisor starts the next one only now. Idempotent.
  void ready() noexcept { ready_.set(); }
  // The supervisor has asked the child to end; child_spec.grace later it is cancelled. on_stop(*this, body) waits for
  // it.
  bool stop_requested() noexcept { return stop_.is_set(); }

  // For supervisor and select.
  internal::event& stop_event() noexcept { return stop_; }
  internal::event& ready_event() noexcept { return ready_; }

 private:
  internal::event stop_, ready_;
};

// A case of select: body() when the supervisor asks the child to end; ready for ever then.
template <class Body>
auto on_stop(supervised& self, Body body, site where = site::current()) {
  return internal::body_event_case<Body>(self.stop_event(), "stop", std::move(body), where);
}

// The function of a child: of anything that can be called with a supervised&, or with nothing. Each life of the child
// calls a copy of its own, so it begins with the captures that the child_spec was made with.
class child_function {
 public:
  child_function() = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, child_function>)
      child_function(F&& f) {  // NOLINT(google-explicit-constructor)
    using function = std::decay_t<F>;
    static_assert(std::is_copy_constructible_v<function>,
                  "weir::child_spec.run: a child that is restarted needs its captures again, so they must be copyable; "
                  "share what is not by std::shared_ptr");
    static_assert(std::is_invocable_v<function&, supervised&> || std::is_invocable_v<function&>,
                  "weir::child_spec.run: the function takes a weir::supervised&, or nothing");
    if constexpr (std::is_invocable_v<function&, supervised&>) {
      call_ = std::forward<F>(f);
      listens_ = true;
    } else {
      call_ = [g = function(std::forward<F>(f))](supervised&) mutable { g(); };
    }
  }

  explicit operator bool() const noexcept { return static_cast<bool>(call_); }
  // It can be asked to end. One that takes nothing cannot, and is cancelled at once.
  bool listens() const noexcept { return listens_; }
  void operator()(supervised& self) { call_(self); }

 private:
  std::function<void(supervised&)> call_;
  bool listens_ = false;
};

struct child_spec {
  std::string name;  // unique in its supervisor; also the actor's name
  child_function run;
  child_kind kind = child_kind::permanent;
  // How long it may take to end after it was asked to, before it is cancelled.
  std::chrono::nanoseconds grace = std::chrono::seconds(5);
  // The next child is started only when this one has called supervised::ready().
  bool awaits_ready = false;
  spawn_options options = {};
};

}  // namespace weir
