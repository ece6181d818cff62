// mailbox<Messages...>: the bounded queue of an actor, with a lane of its own for what must always get through.
//   mailbox<job, flush> box({.capacity = 64, .when_full = overflow::drop_oldest, .name = "db"});
//   box.address()              where to send to it (address.h)
//   box.receive(handlers...)   takes one message and calls the handler for its type
//   on_message(box, handlers...)   the same as a case of select
//
// Thread-safety: one actor or thread owns it and receives; everybody sends, through addresses.
//
// The mailbox lives and dies with its actor: make it in the actor's function, or before, and move it into the closure.
// Its end closes it, destroys what nobody read (so that whoever asked learns it at once), and takes its names out of
// the registry. The lane is for address::stop() and for the exits of watched actors: they go past the messages, and
// never find it full.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "weir/channels/actors/address.h"
#include "weir/channels/actors/internal/mailbox_core.h"
#include "weir/channels/actors/internal/message_case.h"
#include "weir/channels/actors/internal/message_set.h"
#include "weir/channels/select.h"
#include "weir/channels/status.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir {

struct mailbox_options {
  long long capacity = 64;  // messages, 1 to 16 777 216; the memory for all is taken at once
  overflow when_full = overflow::block;
  std::string_view name = {};  // for dumps and errors
};

template <class... Messages>
class mailbox {
  static_assert(sizeof...(Messages) > 0, "weir::mailbox: name the types of its messages");
  static_assert((std::is_nothrow_move_constructible_v<Messages> && ...),
                "weir::mailbox: messages must be nothrow-move-constructible, as channels want it");
  static_assert((std::is_same_v<Messages, std::remove_cvref_t<Messages>> && ...),
                "weir::mailbox: messages are plain object types");

 public:
  // Any of Messages. It holds an exit_notice or a stop_request only if they are among them.
  using message_type = std::variant<Messages...>;

  // Throws misuse (capacity), std::bad_alloc.
  explicit mailbox(const mailbox_options& options = {}, site where = site::current())
      : where_(where),
        core_(new core_type(options.capacity, options.when_full, options.name, where)),
        state_(make_state(where)) {}
  mailbox(mailbox&& other) noexcept
      : where_(other.where_), core_(std::exchange(other.core_, nullptr)), state_(std::move(other.state_)) {}
  mailbox& operator=(mailbox other) noexcept {
    std::swap(where_, other.where_);
    std::swap(core_, other.core_);
    state_.swap(other.state_);
    return *this;
  }
  // Ends it, as the head of this file says. May wait some microseconds for an exit notice that is on its way.
  ~mailbox() {
    if (core_ == nullptr) return;
    core_->end();
    state_.reset();
    core_->release();
  }

  weir::address<Messages...> address(site where = site::current()) const {
    core_type& c = core("mailbox::address", where);
    c.retain();
    return weir::address<Messages...>(&c);
  }

  // The exit of `a` will come as an exit_notice, exactly once; at once if it has ended. Allocates some 200 bytes here,
  // none then. Misuse for the calling actor itself.
  template <class T>
  void watch(const internal::actor_handle<T>& a, site where = site::current()) {
    static_assert(state_type::takes_exits, "weir::mailbox::watch: name weir::exit_notice among the mailbox's messages");
    state("mailbox::watch", where).exits.watch(a.core("mailbox::watch", where));
  }

  // Parks until there is a message or a notice, and gives it. Empty if it is over: stopped (and stop_request is none of
  // Messages), or closed and drained. A cancel throws weir::cancelled (while unwinding: empty).
  std::optional<message_type> recv(site where = site::current()) {
    std::optional<message_type> got;
    select(on_any(got, where));
    return got;
  }
  // The same, at most until `limit`. With a message there, even an expired deadline succeeds.
  recv_result<message_type> recv(deadline limit, site where = site::current()) {
    recv_result<message_type> first = try_recv(where);
    if (first.status() == recv_status::closed) internal::closed_or_cancelled("recv");
    if (first.status() != recv_status::empty) return first;
    std::optional<message_type> got;
    const bool in_time = select(on_any(got, where), after(limit, [] { return false; }));
    const recv_status s = !in_time ? recv_status::timeout : got ? recv_status::ok : recv_status::closed;
    return {s, std::move(got)};
  }
  // Never parks.
  recv_result<message_type> try_recv(site where = site::current()) {
    std::optional<message_type> got;
    auto any = on_any(got, where);
    if (!any.try_now()) return {recv_status::empty, {}};
    any.run();
    return {got ? recv_status::ok : recv_status::closed, std::move(got)};
  }

  // recv(), and calls the handler for the message's type with it: as M&, const M&, M or M&&. True; false if the mailbox
  // is over, or if the handler returned false. Every message type must have a handler: else it does not compile.
  //
  //   while (box.receive([&](job& j) { work(j); }, [&](flush) { write_out(); })) {
  //   }
  template <class... Handlers>
  bool receive(Handlers... handlers) {
    return select(on_message("mailbox::receive", std::move(handlers)...));
  }

  // For weir::on_message.
  template <class... Handlers>
  auto on_message(const char* call, Handlers... handlers) {
    using set = internal::handler_set<Handlers...>;
    static_assert(internal::no_handler_for<typename internal::first_unhandled<set, Messages...>::type>::checked);
    auto body = [h = set{std::move(handlers)...}](std::optional<message_type>& m) mutable {
      return m.has_value() && internal::handle_any(h, *m);
    };
    return internal::message_case<decltype(body), Messages...>(state(call, where_), std::move(body), where_);
  }

  // Messages in the queue now; stale at once. Notices are not among them.
  std::size_t length(site where = site::current()) const { return core("mailbox::length", where).tx().length(); }
  mailbox_counts counts(site where = site::current()) const { return core("mailbox::counts", where).counts(); }
  // False once moved from.
  explicit operator bool() const noexcept { return core_ != nullptr; }

 private:
  using core_type = internal::mailbox_core<message_type>;
  using state_type = internal::mailbox_state<Messages...>;

  std::unique_ptr<state_type> make_state(site where) {
    try {
      return std::make_unique<state_type>(*core_, where);
    } catch (...) {
      core_->release();
      throw;
    }
  }
  core_type& core(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_address(call, where);
    return *core_;
  }
  state_type& state(const char* call, site where) {
    core(call, where);
    return *state_;
  }
  auto on_any(std::optional<message_type>& got, site where) {
    auto body = [&got](std::optional<message_type>& m) { got = std::move(m); };
    return internal::message_case<decltype(body), Messages...>(state("mailbox::recv", where), std::move(body), where);
  }

  site where_;  // for calls that end with a pack of handlers, and so have no place of their own
  core_type* core_;
  std::unique_ptr<state_type> state_;
};

// A case of select that takes one message and calls its handler; it returns what receive() would: false when the
// mailbox is over, for which it is ready for ever.
template <class... Messages, class... Handlers>
auto on_message(mailbox<Messages...>& box, Handlers... handlers) {
  return box.on_message("on_message", std::move(handlers)...);
}

}  // namespace weir
