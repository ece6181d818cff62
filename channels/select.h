// select: waits for the first of several things that can happen, and runs the body of the one that did.
//   on_recv(rx, body)      body(std::optional<T>): empty once closed and drained
//   on_send(tx, v, body)   body() or body(bool sent): false once closed
//   on_timer(t, body)      body(): when the timer fires
//   on_tick(t, body)       body(): at each tick
//   after(d, body)         body(): a time after this select began
//   otherwise(body)        body(): if at some moment of the call none was ready; then select never parks
// Each case has .when(bool): a disabled case is as good as absent; and .priority(n): no case is chosen while one of a
// lower class is ready. Without it a case is of class 0.
//
// Thread-safety: a case belongs to its select. Sources are used as everywhere else.
//
// Fair: among several ready cases of a class the choice is random. A closed channel is ready for ever. The same channel
// may appear more than once, and a select never meets itself. Bodies run with nothing registered: they may throw, park
// or select again.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weir/channels/channel.h"
#include "weir/channels/internal/channel_cases.h"
#include "weir/channels/internal/select_case.h"
#include "weir/channels/internal/time_case.h"
#include "weir/channels/timer.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {
namespace internal {

template <class Body>
struct otherwise_case {
  Body body;
  decltype(auto) run() { return std::invoke(body); }
};

template <class Case>
inline constexpr bool is_otherwise = false;
template <class Body>
inline constexpr bool is_otherwise<otherwise_case<Body>> = true;

// What a body's result means for select: void counts as true.
template <class Case>
using body_result = decltype(std::declval<Case&>().run());
template <class Case>
using case_result = std::conditional_t<std::is_void_v<body_result<Case>>, bool, body_result<Case>>;

template <class... Results>
concept agreeing = requires {
  typename std::common_type_t<Results...>;
};

template <class Result, class Case>
Result run_case(Case& c) {
  if constexpr (std::is_void_v<decltype(c.run())>) {
    c.run();
    return Result(true);
  } else {
    return c.run();
  }
}

}  // namespace internal

template <class T, class Body>
auto on_recv(const receiver<T>& from, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, std::optional<T>>, "weir::on_recv: the body takes a std::optional<T>");
  return internal::recv_case<T, Body>(from.core("on_recv", where), std::move(body), where);
}

// An rvalue T is taken from only when its case is chosen: until then, and if the channel is closed, it is still the
// caller's. Anything else is copied or converted when the case is made.
template <class T, class V, class Body>
auto on_send(const sender<T>& to, V&& value, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, bool> || std::is_invocable_v<Body&>,
                "weir::on_send: the body takes nothing, or bool (false: closed)");
  static_assert(std::is_constructible_v<T, V&&>, "weir::on_send: the value does not convert to the channel's type");
  internal::channel_core<T>& core = to.core("on_send", where);
  if constexpr (std::is_same_v<V, T>)
    return internal::send_case<T, T&, Body>(core, value, std::move(body), where);
  else
    return internal::send_case<T, T, Body>(core, std::forward<V>(value), std::move(body), where);
}

template <class Body>
auto on_timer(timer& t, Body body, site where = site::current()) {
  return internal::time_case<timer&, Body>(t, std::move(body), where);
}
template <class Body>
auto on_tick(ticker& t, Body body, site where = site::current()) {
  return internal::time_case<ticker&, Body>(t, std::move(body), where);
}
template <class Body>
auto after(deadline at, Body body, site where = site::current()) {
  return internal::time_case<deadline, Body>(at, std::move(body), where);
}
template <class Body>
auto otherwise(Body body) {
  return internal::otherwise_case<Body>{std::move(body)};
}

// Parks until one case can go, does it, runs its body and returns what the body returned, as the common type of what
// the bodies return; a body that returns nothing counts as true. A cancel throws weir::cancelled; while the actor
// unwinds it runs `otherwise`, else one channel case as closed. Takes no deadline: use on_timer or after. Does not
// allocate. Misuse if no case is enabled and there is no otherwise.
template <class... Cases>
auto select(Cases&&... cases) {
  using namespace internal;
  if constexpr (!agreeing<case_result<std::remove_reference_t<Cases>>...>) {
    static_assert(
        agreeing<case_result<std::remove_reference_t<Cases>>...>,
        "weir::select: what the bodies return must have a common type (std::common_type); a body that returns "
        "nothing counts as one that returns bool");
  } else {
    using result = std::common_type_t<case_result<std::remove_reference_t<Cases>>...>;
    constexpr int otherwises = (0 + ... + is_otherwise<std::remove_cvref_t<Cases>>);
    static_assert(otherwises <= 1, "weir::select: at most one otherwise");
    constexpr int count = static_cast<int>(sizeof...(Cases)) - otherwises;

    std::array<select_case*, count + 1> sources;
    select_space<count> space;
    int filled = 0, hopeful = 0;
    bool classes = false;
    const auto add = [&](auto& c) {
      if constexpr (!is_otherwise<std::remove_cvref_t<decltype(c)>>) {
        sources[static_cast<std::size_t>(filled)] = &c;
        space.order[hopeful] = filled++;  // stays there if it is one
        hopeful += c.enabled && is_hopeful(c);
        classes |= c.urgency != 0;
      }
    };
    (add(cases), ...);
    const int chosen = select_one(sources.data(), space.nodes, space.order, count, hopeful, {otherwises == 1, classes});

    std::optional<result> answer;
    int position = 0;
    const auto run = [&](auto& c) {
      if constexpr (is_otherwise<std::remove_cvref_t<decltype(c)>>) {
        if (chosen == -1) answer.emplace(run_case<result>(c));
      } else if (position++ == chosen) {
        answer.emplace(run_case<result>(c));
      }
    };
    (run(cases), ...);
    return std::move(*answer);
  }
}

}  // namespace weir
