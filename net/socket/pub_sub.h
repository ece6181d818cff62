// PUB, SUB, XPUB and XSUB (RFC 29): messages for all who want them; a topic is what the first frame begins with.
//   pub_socket    sends to each peer that has subscribed to it; to nobody, if nobody has
//   sub_socket    receives what it has subscribed to, at every peer
//   xpub_socket   a PUB that receives its peers' subscriptions as messages: 1 or 0, then the topic
//   subscription  what a peer asked for, and what it gets (options.manual)
//   xsub_socket   a SUB that sends its subscriptions as such messages
//
// Thread-safety: message_socket.h.
//
// What happens to a subscriber that is too slow is options.slow: by default it misses messages, exactly as many as
// statistics().dropped and its `dropped` events say, and nobody else does. Subscriptions are counted where they are
// made: each subscribe() wants its cancel(). They are sent again whenever a peer comes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "weir/net/socket/message_socket.h"

namespace weir::net {

class pub_socket : public message_socket, public sends<pub_socket> {
 public:
  explicit pub_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::pub, std::move(options), where) {}

  // Parks until at least `n` peers would get a message that is `topic`: those who have subscribed to it or to a prefix
  // of it. So without `topic` only those count that have subscribed to everything, by "". True then. False: `limit`
  // came, or the socket is closed. A cancel throws weir::cancelled (while unwinding: false).
  bool wait_subscribers(std::size_t n, std::string_view topic = {}, deadline limit = {},
                        site where = site::current()) const;
};

class sub_socket : public message_socket, public receives<sub_socket> {
 public:
  explicit sub_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::sub, std::move(options), where) {}

  // Does not park. Throws misuse if the topic has more than zmtp::limits::most_topic octets.
  void subscribe(std::string_view topic, site where = site::current()) const;
  // False: there is no such subscription.
  bool cancel(std::string_view topic, site where = site::current()) const;
};

// One that a peer of an XPUB has asked for, or does not want any more.
class subscription {
 public:
  // For xpub_socket.
  subscription(message told, std::shared_ptr<internal::pipe> from, std::uint64_t connection,
               std::shared_ptr<internal::socket_core> at) noexcept;

  std::string_view topic() const noexcept { return told_.front().text().substr(1); }
  bool wanted() const noexcept { return told_.front().text()[0] == '\1'; }
  // From now on the peer gets what begins with `topic`, this one or another, or no more; counted, as subscriptions are.
  // False: it is gone; for take(): it did not get it; or options.manual is not set: then what a peer has asked for
  // decides what it gets. Neither parks. give() allocates.
  bool give(std::string_view topic) const;
  bool give() const { return give(topic()); }
  bool take(std::string_view topic) const;
  bool take() const { return take(topic()); }

 private:
  message told_;
  std::shared_ptr<internal::pipe> from_;
  std::uint64_t connection_;
  std::shared_ptr<internal::socket_core> at_;
};

// The program has to read what its peers ask for; one that does not want to know takes a pub_socket. What peers that
// went have left unread counts as messages do (socket_options: receive_high_water): if it is too much, nobody is let
// in.
class xpub_socket : public message_socket, public sends<xpub_socket>, public receives<xpub_socket> {
 public:
  explicit xpub_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::xpub, std::move(options), where) {}

  // As recv(limit), but what a peer has asked for, with the way to give it. Messages that are none are counted as
  // malformed and passed over. When a peer goes, what only it had asked for is told as not wanted any more.
  recv_result<subscription> recv_subscription(deadline limit = {}, site where = site::current()) const;
  // As of pub_socket.
  bool wait_subscribers(std::size_t n, std::string_view topic = {}, deadline limit = {},
                        site where = site::current()) const;
};

class xsub_socket : public message_socket, public sends<xsub_socket>, public receives<xsub_socket> {
 public:
  explicit xsub_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::xsub, std::move(options), where) {}
};

}  // namespace weir::net
