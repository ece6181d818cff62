// REQ and REP (RFC 28): questions and answers.
//   req_socket      request(m, limit): a question and its answer; any number of actors may ask at once
//                   send(m), recv(): the same in two steps, one question after the other; in select, too
//   rep_socket      for (request& q : rep) q.reply(answer(q.body()));
//   request         a question, which knows the way back, and may be answered by any actor
//
// Thread-safety: message_socket.h. A request: one actor or thread at a time.
//
// A question of request() and its answer belong together by a number that REQ puts into the envelope, before the empty
// frame, and every REP gives back, and every ROUTER that sends the envelope as it came. So a lost answer costs its
// question the time until its limit, and an answer that comes too late is counted and thrown away. On the wire it is
// libzmq's ZMQ_REQ_CORRELATE. send() does without, as libzmq's REQ does by default, unless options.correlate is set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "weir/net/socket/message_socket.h"

namespace weir::net {

class req_socket : public message_socket, public sends<req_socket>, public receives<req_socket> {
 public:
  explicit req_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::req, std::move(options), where) {}

  // Sends the question to one peer, in turn among those with room, and parks until its answer has come. `timeout`:
  // `limit` came first, or `closed`: the socket is; in both cases the peer may have got the question, if a connection
  // had taken it: else it is the caller's again, and is not sent any more. A cancel throws weir::cancelled (while
  // unwinding: closed), with the question as after `timeout`. An answer that comes later is thrown away. Throws misuse
  // if the question has no frame. Allocates.
  recv_result<message> request(message&& question, deadline limit = {}, site where = site::current()) const;

  // send() and recv(), as of all sockets, go in step: a second send() before the answer to the first one was received
  // throws misuse, but for options.relaxed, and so does a recv() when nothing was sent; try_recv() is empty then, and a
  // case of select waits. Whether others have requests under way makes no difference.
};

// A question, and the way back. Unanswered, it goes without a trace: REP need not answer.
class request {
 public:
  // For rep_socket.
  request(message body, message envelope, std::shared_ptr<internal::pipe> from, std::uint64_t connection,
          std::shared_ptr<internal::socket_core> at) noexcept;

  message& body() noexcept { return body_; }
  const message& body() const noexcept { return body_; }
  // Sends the answer. False: the peer, or its connection, is gone, or its queue is full, and the answer is dropped and
  // counted, as libzmq does; never parks. Throws misuse if it has been answered, or the answer has no frame.
  bool reply(message&& answer, site where = site::current());
  bool answered() const noexcept { return at_ == nullptr; }

 private:
  message body_, envelope_;
  std::shared_ptr<internal::pipe> from_;
  std::uint64_t connection_;
  std::shared_ptr<internal::socket_core> at_;
};

class rep_socket : public message_socket {
 public:
  explicit rep_socket(socket_options options = {}, site where = site::current())
      : message_socket(zmtp::socket_type::rep, std::move(options), where) {}

  // As receives::recv(), one question at a time from the peers in turn; messages that are no questions are counted and
  // passed over. In select: on_recv(rep, body) with body(std::optional<request>).
  std::optional<request> recv(site where = site::current()) const;
  recv_result<request> recv(deadline limit, site where = site::current()) const;
  recv_result<request> try_recv(site where = site::current()) const;

  class iterator {
   public:
    using value_type = request;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(const rep_socket& from) : from_(&from) { ++*this; }
    request& operator*() const noexcept { return *value_; }
    request* operator->() const noexcept { return &*value_; }
    iterator& operator++() {
      value_.reset();
      if (auto next = from_->recv(site{})) value_.emplace(std::move(*next));
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !value_.has_value(); }

   private:
    const rep_socket* from_ = nullptr;
    mutable std::optional<request> value_;
  };
  iterator begin() const { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  template <class Recv>
  recv_result<request> next(Recv recv) const;
};

}  // namespace weir::net
