// weir::net::proxy: passes on what comes at one socket to another, in both directions if both have them.
//   proxy(router, dealer)            requests to whoever has room for them, and answers back
//   proxy(xsub, xpub, &push)         the same for topics; a copy of everything for a third
//   proxy(pull, push)                one direction
//
// Thread-safety: message_socket.h. Others may use the sockets meanwhile.
#pragma once

#include <cerrno>
#include <concepts>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/message.h"
#include "weir/net/socket/push_pull.h"
#include "weir/runtime/scope.h"

namespace weir::net {
namespace internal {

template <class S>
concept sending_socket = std::same_as<typename S::sending, S>;
template <class S>
concept receiving_socket = std::same_as<typename S::receiving, S>;

template <class From, class To, class Tap>
void pass_on(const From& from, const To& to, const Tap* tap) {
  while (auto m = from.recv()) {
    if (tap) static_cast<void>(tap->send(m->copy()));
    try {
      if (!to.send(std::move(*m))) return;
    } catch (const error& e) {
      if (e.code().value() != EHOSTUNREACH) throw;
    }
  }
}

}  // namespace internal

// Parks until one of the two is closed, or a cancel throws weir::cancelled; a message that is on its way then is lost.
// Where a queue is full it waits, and so do those who send to it, or drops, as the type of the socket does; what is
// for a peer that has gone is dropped, by a ROUTER with `mandatory` too. `tap` gets a copy of each message before it
// goes on; while it has no room the proxy waits. REQUIRES: called by an actor.
template <class Front, class Back, internal::sending_socket Tap = push_socket>
void proxy(const Front& front, const Back& back, const Tap* tap = nullptr) {
  constexpr bool there = internal::receiving_socket<Front> && internal::sending_socket<Back>;
  constexpr bool home = internal::receiving_socket<Back> && internal::sending_socket<Front>;
  static_assert(there || home, "weir::net::proxy: one socket has to receive, and the other to send");
  with_scope([&](scope& s) {
    if constexpr (there)
      s.spawn("proxy", [&front, &back, tap, &s] {
        internal::pass_on(front, back, tap);
        s.cancel();
      });
    if constexpr (home)
      s.spawn("proxy", [&front, &back, tap, &s] {
        internal::pass_on(back, front, tap);
        s.cancel();
      });
  });
}

}  // namespace weir::net
