// A set of message types, and whether a set of handlers takes all of them.
//
// Thread-safety: types only.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "weir/channels/actors/exit_notice.h"

namespace weir {

// The notice that address::stop() leaves. Name it among a mailbox's messages to handle it; else it ends receive().
struct stop_request {};

namespace internal {

template <class M, class... Messages>
inline constexpr bool is_one_of = (std::is_same_v<M, Messages> || ...);

// What only the runtime sends, past the queue.
template <class M>
inline constexpr bool is_notice = is_one_of<M, stop_request, exit_notice>;

template <class... Handlers>
struct handler_set : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
handler_set(Handlers...) -> handler_set<Handlers...>;

// A handler takes its message as M&, const M&, M or M&&.
template <class Set, class M>
inline constexpr bool handles = std::is_invocable_v<Set&, M&&> || std::is_invocable_v<Set&, M&>;

template <class Set, class M>
decltype(auto) handle(Set& set, M& message) {
  if constexpr (std::is_invocable_v<Set&, M&&>)
    return set(std::move(message));
  else
    return set(message);
}

struct nothing_unhandled {};
// The first of the messages that no handler takes.
template <class Set, class... Messages>
struct first_unhandled {
  using type = nothing_unhandled;
};
template <class Set, class M, class... Rest>
struct first_unhandled<Set, M, Rest...>
    : std::conditional_t<handles<Set, M>, first_unhandled<Set, Rest...>, std::type_identity<M>> {};

// Its name appears in the compiler's message, and with it the type.
template <class Unhandled>
struct no_handler_for {
  static_assert(std::is_same_v<Unhandled, nothing_unhandled>,
                "weir::mailbox: no handler takes the message type that no_handler_for<...> names here; give receive() "
                "or on_message() a function for each message type");
  static constexpr bool checked = true;
};

// False if the handler returned false; a handler that returns nothing counts as true.
template <class Set, class... Messages>
bool handle_any(Set& set, std::variant<Messages...>& message) {
  return std::visit(
      [&set](auto& m) {
        using result = decltype(handle(set, m));
        if constexpr (std::is_void_v<result>) {
          handle(set, m);
          return true;
        } else {
          static_assert(std::is_convertible_v<result, bool>,
                        "weir::mailbox: a handler returns nothing, or bool (false: receive no more)");
          return static_cast<bool>(handle(set, m));
        }
      },
      message);
}

}  // namespace internal
}  // namespace weir
