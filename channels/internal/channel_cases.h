// The cases of a select that send or receive.
//
// Thread-safety: as select_case.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/channels/internal/channel_calls.h"
#include "weir/channels/internal/channel_core.h"
#include "weir/channels/internal/channel_enroll.h"
#include "weir/channels/internal/select_case.h"
#include "weir/channels/status.h"

namespace weir::internal {

template <class T, class Body>
class recv_case final : public user_case<recv_case<T, Body>> {
 public:
  recv_case(channel_core<T>& core, Body body, site at) : core_(core), body_(std::move(body)) {
    this->where = at;
    this->spends = true;
  }
  decltype(auto) run() {
    const emptied_at_end<T> afterwards{value_};
    return std::invoke(body_, std::move(value_));
  }

  bool may_be_ready() const noexcept override { return core_.may_recv(); }
  bool try_now() override {
    const recv_status s = core_.try_recv(value_);
    this->by_close = s == recv_status::closed;
    return s != recv_status::empty;
  }
  enrolled enroll(wait_node& node) override { return core_.enroll_recv(value_, node, this->by_close); }
  void withdraw(wait_node& node) noexcept override { core_.withdraw_recv(node); }
  void completed(const wait_node& node) noexcept override { this->by_close = node.closed; }
  void complete_as_closed() noexcept override { this->by_close = true; }
  void add_targets(std::vector<wait_target>& out) const override {
    out.push_back(core_.awaited(wait_target::kind::value));
  }
  std::string describe() const override { return "recv " + core_.describe(); }

 private:
  channel_core<T>& core_;
  Body body_;
  std::optional<T> value_;
};

// `Value` is T& (the caller's, taken from only if the case is chosen) or T (the case's own).
template <class T, class Value, class Body>
class send_case final : public user_case<send_case<T, Value, Body>> {
 public:
  template <class V>
  send_case(channel_core<T>& core, V&& value, Body body, site at)
      : core_(core), value_(std::forward<V>(value)), body_(std::move(body)) {
    this->where = at;
    this->spends = true;
  }
  static constexpr bool goes_once = true;
  // The same with a value of its own, which it takes.
  send_case<T, T, Body> owned() && requires std::is_reference_v<Value> {
    send_case<T, T, Body> mine(core_, std::move(value_), std::move(body_), this->where);
    mine.enabled = this->enabled;
    mine.urgency = this->urgency;
    return mine;
  }
  decltype(auto) run() {
    if constexpr (std::is_invocable_v<Body&, bool>)
      return std::invoke(body_, !this->by_close);
    else
      return std::invoke(body_);
  }

  bool may_be_ready() const noexcept override { return core_.may_send(); }
  bool try_now() override {
    const send_status s = core_.try_send(value_);
    this->by_close = s == send_status::closed;
    return s != send_status::full;
  }
  enrolled enroll(wait_node& node) override {
    offer_.value = &value_;
    return core_.enroll_send(offer_, node, this->by_close);
  }
  void withdraw(wait_node& node) noexcept override { core_.withdraw_send(node); }
  void completed(const wait_node& node) noexcept override { this->by_close = node.closed; }
  void complete_as_closed() noexcept override { this->by_close = true; }
  void add_targets(std::vector<wait_target>& out) const override {
    out.push_back(core_.awaited(wait_target::kind::room));
  }
  std::string describe() const override { return "send " + core_.describe(); }

 private:
  channel_core<T>& core_;
  Value value_;
  Body body_;
  offer offer_;
};

}  // namespace weir::internal
