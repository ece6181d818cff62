// address<Messages...>: where to send to an actor that has a mailbox.
//
// Thread-safety: as channel handles: many may use one object at once; only assigning and moving need exclusion. From
// actors and plain threads, of whatever runtime.
//
// It does not keep the actor alive, nor its mailbox open: once the mailbox has ended every send says `closed`. What it
// keeps is the memory of the empty queue.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "weir/channels/actors/internal/mailbox_core.h"
#include "weir/channels/actors/internal/message_set.h"
#include "weir/channels/status.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {
namespace internal {

// A message on its way into the queue; if it is not sent, it goes back to where it was taken from.
template <class Variant, class M>
class outgoing {
 public:
  explicit outgoing(M& origin) noexcept : origin_(origin), message(std::in_place_type<M>, std::move(origin)) {}
  outgoing(const outgoing&) = delete;
  ~outgoing() {
    if (sent) return;
    M& back = *std::get_if<M>(&message);
    if constexpr (std::is_nothrow_move_assignable_v<M>) {
      origin_ = std::move(back);
    } else {
      std::destroy_at(&origin_);
      std::construct_at(&origin_, std::move(back));
    }
  }

 private:
  M& origin_;

 public:
  Variant message;
  bool sent = false;
};

}  // namespace internal

template <class... Messages>
class address {
 public:
  using message_type = std::variant<Messages...>;
  using core_type = internal::mailbox_core<message_type>;

  address() = default;  // refers to no mailbox
  explicit address(core_type* adopted) noexcept : core_(adopted) {}
  address(const address& other) noexcept : core_(other.core_) {
    if (core_) core_->retain();
  }
  address(address&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  address& operator=(address other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~address() {
    if (core_) core_->release();
  }

  // Sends one of Messages. ok: it is the mailbox's (and may yet be dropped by its policy, and counted); closed: the
  // mailbox has ended or closed; full: the policy is `fail`; timeout. But for ok the message is still the caller's.
  //
  // Parks only if the mailbox is full and its policy is `block`: a receive wakes it; so does its end; a cancel throws
  // weir::cancelled (while unwinding: closed). A mailbox that sends to itself may wait for itself: see README.md.
  template <class M>
  send_status send(M&& message, deadline limit = {}, site where = site::current()) const {
    return pass<M>("address::send", message, where,
                   [&](core_type& c, message_type& m) { return c.send(m, limit, where); });
  }
  // Never parks; `full` if the policy is `block` or `fail`.
  template <class M>
  send_status try_send(M&& message, site where = site::current()) const {
    return pass<M>("address::try_send", message, where,
                   [&](core_type& c, message_type& m) { return c.try_send(m, where); });
  }

  // Asks the actor to end: a notice that goes past all messages, and that no full mailbox keeps out. Idempotent; never
  // parks.
  void stop(site where = site::current()) const { core("address::stop", where).stopped().set(); }
  // No more messages; the owner still receives what is there. Idempotent.
  void close(site where = site::current()) const { core("address::close", where).close(); }

  // Messages in the queue now; stale at once.
  std::size_t length(site where = site::current()) const { return core("address::length", where).tx().length(); }
  std::size_t capacity(site where = site::current()) const { return core("address::capacity", where).tx().capacity(); }
  mailbox_counts counts(site where = site::current()) const { return core("address::counts", where).counts(); }
  // As the mailbox was named; may be empty.
  const std::string& name(site where = site::current()) const { return core("address::name", where).name(); }

  explicit operator bool() const noexcept { return core_ != nullptr; }
  // They lead to the same mailbox.
  friend bool operator==(const address& a, const address& b) noexcept { return a.core_ == b.core_; }

  // For ask and registry.
  core_type& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_address(call, where);
    return *core_;
  }

 private:
  template <class Given, class Send>
  send_status pass(const char* call, std::remove_reference_t<Given>& given, site where, Send send) const {
    using M = std::remove_cvref_t<Given>;
    static_assert(internal::is_one_of<M, Messages...>, "weir::address: the mailbox takes no message of this type");
    static_assert(!internal::is_notice<M>, "weir::address: stop() and watch() send these notices, nobody else");
    core_type& to = core(call, where);
    if constexpr (std::is_lvalue_reference_v<Given> || std::is_const_v<std::remove_reference_t<Given>>) {
      message_type copy(std::in_place_type<M>, given);
      return send(to, copy);
    } else {
      internal::outgoing<message_type, M> out(given);
      const send_status s = send(to, out.message);
      out.sent = s == send_status::ok;
      return s;
    }
  }

  core_type* core_ = nullptr;
};

}  // namespace weir
