// select: waits for the first of several things that can happen, and runs the body of the one that did.
//   on_recv(rx, body)      body(std::optional<T>): empty once closed and drained
//   on_send(tx, v, body)   body() or body(bool sent): false once closed
//   on_timer(t, body)      body(): when the timer fires
//   on_tick(t, body)       body(): at each tick
//   after(d, body)         body(): a time after this select began
//   otherwise(body)        body(): if at some moment of the call none was ready; then select never parks
// Each case has .when(bool): a disabled case is as good as absent.
//
// Thread-safety: a case belongs to its select. Sources are used as everywhere else.
//
// Fair: among several ready cases the choice is random. A closed channel is ready for ever. The same channel may appear
// more than once, and a select never meets itself. Bodies run with nothing registered: they may throw, park or select
// again.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weir/channels/channel.h"
#include "weir/channels/internal/channel_enroll.h"
#include "weir/channels/internal/select_case.h"
#include "weir/channels/timer.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {
namespace internal {

template <class T, class Body>
class recv_case final : public select_case {
 public:
  recv_case(channel_core<T>& core, Body body, site at) : core_(core), body_(std::move(body)) { where = at; }
  recv_case&& when(bool condition) && noexcept {
    enabled = condition;
    return std::move(*this);
  }
  decltype(auto) run() { return std::invoke(body_, std::move(value_)); }

  bool try_now() override {
    const recv_status s = core_.try_recv(value_);
    by_close = s == recv_status::closed;
    return s != recv_status::empty;
  }
  enrolled enroll(wait_node& node) override { return core_.enroll_recv(value_, node, by_close); }
  void withdraw(wait_node& node) noexcept override { core_.withdraw_recv(node); }
  void completed(const wait_node& node) noexcept override { by_close = node.closed; }
  void complete_as_closed() noexcept override { by_close = true; }
  std::string describe() const override { return "recv " + core_.describe(); }

 private:
  channel_core<T>& core_;
  Body body_;
  std::optional<T> value_;
};

// `Value` is T& (the caller's, taken from only if the case is chosen) or T (the case's own copy).
template <class T, class Value, class Body>
class send_case final : public select_case {
 public:
  template <class V>
  send_case(channel_core<T>& core, V&& value, Body body, site at)
      : core_(core), value_(std::forward<V>(value)), body_(std::move(body)) {
    where = at;
  }
  send_case&& when(bool condition) && noexcept {
    enabled = condition;
    return std::move(*this);
  }
  decltype(auto) run() {
    if constexpr (std::is_invocable_v<Body&, bool>)
      return std::invoke(body_, !by_close);
    else
      return std::invoke(body_);
  }

  bool try_now() override {
    const send_status s = core_.try_send(value_);
    by_close = s == send_status::closed;
    return s != send_status::full;
  }
  enrolled enroll(wait_node& node) override { return core_.enroll_send(value_, node, by_close); }
  void withdraw(wait_node& node) noexcept override { core_.withdraw_send(node); }
  void completed(const wait_node& node) noexcept override { by_close = node.closed; }
  void complete_as_closed() noexcept override { by_close = true; }
  std::string describe() const override { return "send " + core_.describe(); }

 private:
  channel_core<T>& core_;
  Value value_;
  Body body_;
};

// A point in time. `Source` is deadline (after), timer& or ticker&.
template <class Source, class Body>
class time_case final : public select_case {
 public:
  time_case(Source source, Body body, site at) : source_(source), body_(std::move(body)) { where = at; }
  time_case&& when(bool condition) && noexcept {
    enabled = condition;
    return std::move(*this);
  }
  decltype(auto) run() { return std::invoke(body_); }

  bool try_now() override {
    if (!due().expired()) return false;
    if constexpr (std::is_same_v<Source, timer&>) source_.reset(deadline::never());
    if constexpr (std::is_same_v<Source, ticker&>) source_.advance();
    return true;
  }
  enrolled enroll(wait_node&) override { return enrolled::waiting; }  // bounds the park instead
  void withdraw(wait_node&) noexcept override {}
  void completed(const wait_node&) noexcept override {}
  void complete_as_closed() noexcept override {}
  deadline due() const noexcept override {
    if constexpr (std::is_same_v<Source, deadline>)
      return source_;
    else
      return source_.at();
  }
  std::string describe() const override { return std::is_same_v<Source, ticker&> ? "tick" : "timer"; }

 private:
  Source source_;
  Body body_;
};

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
using case_result = std::conditional_t<std::is_void_v<decltype(std::declval<Case&>().run())>, bool,
                                       decltype(std::declval<Case&>().run())>;

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

// Parks until one case can go, does it, runs its body and returns what the body returned; a body that returns nothing
// counts as true. A cancel throws weir::cancelled; while the actor unwinds it runs `otherwise`, else one channel case
// as closed. Takes no deadline: use on_timer or after. Does not allocate. Misuse if no case is enabled and there is no
// otherwise.
template <class... Cases>
auto select(Cases&&... cases) {
  using namespace internal;
  using result = std::common_type_t<case_result<std::remove_reference_t<Cases>>...>;
  constexpr int otherwises = (0 + ... + is_otherwise<std::remove_cvref_t<Cases>>);
  static_assert(otherwises <= 1, "weir::select: at most one otherwise");
  constexpr int count = static_cast<int>(sizeof...(Cases)) - otherwises;

  std::array<select_case*, count + 1> sources;
  select_space<count> space;
  int filled = 0;
  const auto add = [&](auto& c) {
    if constexpr (!is_otherwise<std::remove_cvref_t<decltype(c)>>) sources[static_cast<std::size_t>(filled++)] = &c;
  };
  (add(cases), ...);
  const int chosen = select_one(sources.data(), space.nodes, space.order, count, otherwises == 1);

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

}  // namespace weir
