// A case of select over a mailbox: the request to stop, exit notices and messages, in this order, in one case.
//
// Thread-safety: as select_case.h. One actor at a time receives from a mailbox.
//
// It stands in three lists at once, as three cases of a select would, so it has two wait_nodes of its own beside the
// one that select gives it. They name the same owner and wait, so at most one of the three is claimed.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "weir/channels/actors/exit_notice.h"
#include "weir/channels/actors/internal/mailbox_core.h"
#include "weir/channels/actors/internal/message_set.h"
#include "weir/channels/internal/channel_enroll.h"
#include "weir/channels/internal/select_case.h"
#include "weir/runtime/internal/exit_queue.h"

namespace weir::internal {

template <class... Messages>
struct mailbox_state {
  using message_type = std::variant<Messages...>;
  static constexpr bool takes_stop = is_one_of<stop_request, Messages...>;
  static constexpr bool takes_exits = is_one_of<exit_notice, Messages...>;

  mailbox_state(mailbox_core<message_type>& c, site where) noexcept : core(c), exits("mailbox::watch", where) {}

  mailbox_core<message_type>& core;
  exit_queue exits;
  bool stop_taken = false;  // a mailbox that takes stop_request gets it once; another one is over for ever
};

template <class... Messages>
class message_case_base : public select_case {
 public:
  using state_type = mailbox_state<Messages...>;
  using message_type = typename state_type::message_type;

  message_case_base(state_type& box, site at) noexcept : box_(box) { where = at; }

  bool try_now() final {
    if (stop_wanted() && box_.core.stopped().is_set()) {
      take_stop();
      return true;
    }
    if (take_exit()) return true;
    const recv_status s = box_.core.queue().try_recv(message_);
    by_close = s == recv_status::closed;
    from_queue_ = s == recv_status::ok;
    return s != recv_status::empty;
  }

  enrolled enroll(wait_node& node) final {
    if (stop_wanted() && !box_.core.stopped().enlist(renew(stop_node_, node)))
      return claimed(node, [this] { take_stop(); });
    if constexpr (state_type::takes_exits)
      if (!box_.exits.enlist(renew(exit_node_, node))) return claimed(node, [this] { take_exit(); });
    const enrolled e = box_.core.queue().enroll_recv(message_, node, by_close);
    from_queue_ = e == enrolled::done && !by_close;
    return e;
  }
  void withdraw(wait_node& node) noexcept final {
    if (stop_node_) box_.core.stopped().withdraw(*stop_node_);
    if (exit_node_) box_.exits.withdraw(*exit_node_);
    box_.core.queue().withdraw_recv(node);
  }
  void completed(const wait_node& node) noexcept final {
    if (stop_node_ && &node == &*stop_node_) return take_stop();
    if (exit_node_ && &node == &*exit_node_) {
      ended_ = box_.exits.try_pop();
      return;
    }
    by_close = node.closed;
    from_queue_ = !by_close;
  }
  void complete_as_closed() noexcept final { by_close = true; }
  std::string describe() const final { return "message " + box_.core.queue().describe(); }

 protected:
  ~message_case_base() = default;

  // What was taken; empty: the mailbox is over, by stop or close. Leaves the case as it was made.
  std::optional<message_type> take() {
    if (std::exchange(from_queue_, false)) {
      box_.core.count_received();
    } else if constexpr (state_type::takes_exits) {
      if (const auto ended = std::exchange(ended_, {})) {
        message_.emplace(std::in_place_type<exit_notice>, notice_of(*ended->actor));
      }
    }
    return std::exchange(message_, {});
  }

 private:
  bool stop_wanted() const noexcept { return !state_type::takes_stop || !box_.stop_taken; }
  void take_stop() noexcept {
    box_.stop_taken = true;
    if constexpr (state_type::takes_stop) message_.emplace(std::in_place_type<stop_request>);
  }
  bool take_exit() {
    if constexpr (state_type::takes_exits) ended_ = box_.exits.try_pop();
    return ended_.has_value();
  }

  wait_node& renew(std::optional<wait_node>& own, const wait_node& given) noexcept {
    own.emplace(*given.owner, given.epoch);
    own->index = given.index;
    own->winner = given.winner;
    return *own;
  }
  template <class Take>
  enrolled claimed(wait_node& node, Take take) {
    if (!node.owner->word().claim_self(node.epoch)) return enrolled::lost;
    take();
    return enrolled::done;
  }

  state_type& box_;
  std::optional<wait_node> stop_node_, exit_node_;
  std::optional<exit_queue::ended> ended_;
  std::optional<message_type> message_;
  bool from_queue_ = false;
};

// `Body` takes the std::optional<std::variant<Messages...>>&.
template <class Body, class... Messages>
class message_case final : public user_case<message_case<Body, Messages...>, message_case_base<Messages...>> {
 public:
  message_case(mailbox_state<Messages...>& box, Body body, site at)
      : user_case<message_case, message_case_base<Messages...>>(box, at), body_(std::move(body)) {}
  decltype(auto) run() {
    std::optional<typename message_case_base<Messages...>::message_type> taken = this->take();
    return body_(taken);
  }

 private:
  Body body_;
};

}  // namespace weir::internal
