// weir::net::internal::pipe: what a message socket keeps for one peer: a queue in each direction.
//   pipe        one that belongs to a connection to a bound endpoint goes with it; that of a connected endpoint stays
//   pipe_list   pipes in a circle, for turns
//
// Thread-safety: all of it under the lock of the socket, but for what is said to be constant.
//
// Invariants:
//  1. A pipe is in `sendable` of its socket if and only if a message may be put into `out`: usable, and below the high
//     water.
//  2. A pipe is in `readable` if and only if `in` is not empty.
//  3. A pipe that is in `all` holds a reference to itself, so pointers from the circles are good under the lock.
//  4. in_flight counts what the connection took from `out` and has not written yet; the socket's unsent is the sum of
//     out.size() + in_flight over all pipes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "weir/net/frame.h"
#include "weir/net/socket/internal/item.h"
#include "weir/net/socket/socket_options.h"
#include "weir/net/stream.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::net::internal {

struct pipe_link {
  pipe* prev = nullptr;
  pipe* next = nullptr;
  bool linked = false;
};

class socket_core;

// What a connection takes to write at once, unless one message is more.
constexpr std::size_t most_octets_taken = 512 * 1024;

// How a connection is ended by others, whatever its actors are waiting for.
struct hang_up {
  stream wire = {};                     // over a stream,
  std::weak_ptr<socket_core> far = {};  // or within the process: the other side
  std::weak_ptr<pipe> far_pipe = {};

  explicit operator bool() const noexcept { return wire || !far_pipe.expired(); }
};

struct pipe : std::enable_shared_from_this<pipe> {
  pipe(bool stays_of, std::string at) : stays(stays_of), address(std::move(at)) {}

  // Constant.
  const bool stays;  // of connect(): it outlives its connections
  const std::string address;

  bool connected = false;
  bool gone = false;             // nothing more goes in or out, but `in` may still be read
  bool kicked = false;           // the connection is to end
  bool greeted = false;          // PUB, XPUB: the connection has had its welcome
  bool deaf = false;             // the peer takes nothing more, but what it has sent is still read, by one that stays
                                 // whatever its bounds are, as nothing else would let it connect again
  std::uint64_t connection = 0;  // which one, of all the socket had
  frame identity;                // as ROUTER knows it; constant while connected
  hang_up end;                   // ends the connection
  const char* why = nullptr;     // it was kicked, if there is something to say

  item_list out, control, in;
  std::size_t control_bound = 1000;  // of more commands than that those that undo each other are taken out
  std::size_t in_flight = 0;
  std::uint64_t sent = 0, received = 0, dropped = 0, lost = 0;  // as socket_statistics
  std::uint64_t untold = 0;                                     // of dropped: since the last event
  bool warned = false;               // there was one since the connection last took something
  std::uint64_t marked = 0;          // fan-out: the send that is to reach it
  item_list::amount news = {};       // XPUB: those of this peer that the program has not heard of yet
  std::size_t subscriptions = 0;     // PUB, XPUB: those of the peer; guarded by topics_mutex_
  weir::internal::wait_list writer;  // the connection waits for something to write
  weir::internal::wait_list reader;  // the connection waits for room in `in`

  pipe_link all, sendable, readable;
  std::shared_ptr<pipe> self;

  bool has_unread() const noexcept { return !in.empty() || news.items > 0; }
  // Messages may be put into `out`; there is room in it.
  bool usable(const socket_options& o) const noexcept {
    return !gone && ((connected && !kicked && !deaf) || (stays && !o.immediate));
  }
  bool has_room(const socket_options& o) const noexcept {
    if (o.conflate) return true;
    return (o.send_high_water == 0 || out.size() < o.send_high_water) &&
           (o.send_high_water_bytes == 0 || out.weight() < o.send_high_water_bytes);
  }
};

template <pipe_link pipe::*link>
class pipe_list {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  pipe* front() const noexcept { return first_; }
  static pipe* next(const pipe& p) noexcept { return (p.*link).next; }

  void push_back(pipe& p) noexcept {
    pipe_link& l = p.*link;
    if (l.linked) return;
    l = {last_, nullptr, true};
    (last_ ? (last_->*link).next : first_) = &p;
    last_ = &p;
  }
  void remove(pipe& p) noexcept {
    pipe_link& l = p.*link;
    if (!l.linked) return;
    (l.prev ? (l.prev->*link).next : first_) = l.next;
    (l.next ? (l.next->*link).prev : last_) = l.prev;
    l = {};
  }
  // The front one goes to the back. REQUIRES: not empty.
  void rotate() noexcept {
    pipe& p = *first_;
    if (&p == last_) return;
    remove(p);
    push_back(p);
  }

 private:
  pipe* first_ = nullptr;
  pipe* last_ = nullptr;
};

}  // namespace weir::net::internal
