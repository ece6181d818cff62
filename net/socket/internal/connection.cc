#include "weir/net/socket/internal/connection.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/zmtp/decoder.h"
#include "weir/net/zmtp/encoder.h"
#include "weir/net/zmtp/heartbeat.h"
#include "weir/runtime/internal/small_lock.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

namespace weir::net::internal {
namespace {

using zmtp::handshake_status;
using zmtp::input;

constexpr std::size_t flush_at = 64 * 1024;
constexpr std::size_t most_pieces = 1024;  // IOV_MAX
constexpr std::size_t most_delivered = 256, most_octets_delivered = 512 * 1024;

std::string text_of(io_result r) {
  return r.status == io_status::reset ? errno_text(r.code) : std::string(name_of(r.status));
}

// One that is shaken, while both actors use it.
class pump {
 public:
  pump(socket_core& socket, const stream& s, std::shared_ptr<pipe> p, const zmtp::handshake& h)
      : socket_(socket),
        stream_(s),
        pipe_(std::move(p)),
        out_(h.version()),
        in_(socket.options.limits, zmtp::takes_subscriptions(socket.type), h.offset()),
        beat_(socket.options.heartbeat, h.version(), weir::internal::now()) {}

  // `early`: what came behind the handshake.
  void run(std::string_view early) {
    struct detached {
      pump& of;
      ~detached() { of.socket_.detach(*of.pipe_, std::move(of.unwritten_), of.why_); }
    } const at_end{*this};
    with_scope([&](scope& s) {
      // Whatever ends the reader, a cancel too, ends the writer.
      struct closer {
        pump& of;
        ~closer() { of.stop(); }
      } const at_end_of_reading{*this};
      s.spawn("zmtp writer", [this] { write(); });
      read(early);
    });
  }

 private:
  void stop() noexcept {
    stream_.close();
    socket_.cut(*pipe_);
  }

  // The first one that says why.
  void because(std::string why) noexcept {
    std::lock_guard guard(lock_);
    if (why_.empty()) why_.swap(why);
  }
  void because_of(const std::exception& e) noexcept {
    try {
      because(e.what());
    } catch (const std::bad_alloc&) {  // then it ends without a reason
    }
  }

  enum class written : std::uint8_t { all, peer_is_gone, over };

  void write() {
    struct closer {
      pump& of;
      bool reads_on = false;
      ~closer() {
        if (!reads_on) of.stop();
      }
    } at_end{*this};
    try {
      for (;;) {
        const socket_core::taken next = socket_.take(*pipe_, unwritten_, next_beat());
        if (next == socket_core::taken::ending) at_end.reads_on = stream_.shutdown().status == io_status::ok;
        if (next == socket_core::taken::over || next == socket_core::taken::ending) return;
        if (!check_heartbeat()) return;
        const written r = write_taken();
        if (r == written::peer_is_gone) {
          // What it sent before it went is still there to be read, and behind it the end, or the same reset.
          at_end.reads_on = true;
          if (!pipe_->stays) unwritten_.clear();
          socket_.deafen(*pipe_);
        }
        if (r != written::all) return;
        this_actor::maybe_yield();
      }
    } catch (const std::exception& e) {
      because_of(e);
    }
  }

  written write_taken() {
    while (!unwritten_.empty()) {
      encode();
      if (out_.pending() < flush_at) continue;
      if (const written r = flush(); r != written::all) return r;
    }
    return flush();
  }

  void encode() {
    const std::unique_ptr<item> i(unwritten_.pop_and_fetch());  // without memory it is lost, and not sent again in part
    switch (i->kind) {
      case item_kind::message:
        if (i->shared)
          out_.add(*i->shared);
        else
          out_.add(std::move(i->body));
        break;
      case item_kind::subscribe:
        out_.subscribe(i->body.front().text());
        break;
      case item_kind::cancel:
        out_.cancel(i->body.front().text());
        break;
      case item_kind::pong:
        out_.pong(i->body.front().text());
        break;
    }
  }

  written flush() {
    while (!out_.empty()) {
      const std::span<const const_buffer> all = out_.pieces();
      const io_result r = stream_.write_all(all.first(std::min(all.size(), most_pieces)), next_beat());
      out_.wrote(r.bytes);
      if (r.status == io_status::timeout && check_heartbeat()) continue;  // a peer that takes nothing may be dead
      if (r) continue;
      because("write: " + text_of(r));
      return r.status == io_status::reset ? written::peer_is_gone : written::over;
    }
    return written::all;
  }

  deadline next_beat() {
    std::lock_guard guard(lock_);
    return beat_.next();  // time::max() is never
  }

  // False: the peer is dead.
  bool check_heartbeat() {
    std::uint16_t ttl;
    {
      std::lock_guard guard(lock_);
      const auto action = beat_.due(weir::internal::now());
      if (action == zmtp::heartbeat::action::none) return true;
      if (action == zmtp::heartbeat::action::dead) {
        if (why_.empty()) why_ = "nothing came from the peer in time (RFC 37, Connection Heartbeating)";
        return false;
      }
      ttl = beat_.ttl();
    }
    out_.ping(ttl, "");
    return true;
  }

  void read(std::string_view early) {
    // What came whole before a violation, in the same read perhaps, is delivered as what comes before an orderly end.
    const bool wanted = read_messages(early) && hand_over();
    if (!wanted && socket_.is_ending()) read_on();
  }

  // The socket has ended its half, and nobody reads what still comes. But to close with something unread would make the
  // kernel throw away what it has not got rid of yet.
  void read_on() {
    std::array<char, 4096> nowhere;
    while (stream_.read_some(mutable_buffer(nowhere))) {
    }
  }

  // False: nobody wants what comes. True: there will be no more, but the batch may not be empty.
  bool read_messages(std::string_view early) {
    try {
      auto next = std::make_unique<item>();  // is decoded to where it stays
      for (;;) {
        message& m = next->body;
        const input kind = in_.next(m);
        switch (kind) {
          case input::more: {
            if (!hand_over() || !tell()) return false;
            if (!early.empty()) {
              early.remove_prefix(in_.feed(early));
              break;
            }
            const io_result got = stream_.read_some(in_.room());
            in_.filled(got.bytes);
            if (!got) {
              because(got.status == io_status::end && in_.at_boundary() ? "the peer has ended the connection"
                                                                        : "read: " + text_of(got));
              return true;
            }
            std::lock_guard guard(lock_);
            beat_.heard();
            break;
          }
          case input::message:
            next->weigh();
            socket_.arrived(*pipe_, std::move(next), batch_);
            next = std::make_unique<item>();
            break;
          case input::subscribe:
          case input::cancel: {
            std::string refused = socket_.arrived_subscription(*pipe_, kind == input::subscribe, m.front().text());
            if (refused.empty()) break;
            because(std::move(refused));
            return true;
          }
          case input::ping: {
            {
              std::lock_guard guard(lock_);
              beat_.pinged(in_.ping_ttl(), weir::internal::now());
            }
            socket_.send_pong(*pipe_, std::move(m));
            break;
          }
          case input::pong:
            break;
          case input::failed:
            because(in_.failure().text());
            return true;
        }
        if (kind != input::message) next->body.clear();
        if (batch_.size() >= most_delivered || batch_.weight() >= most_octets_delivered) {
          if (!hand_over()) return false;
          this_actor::maybe_yield();
        }
      }
    } catch (const std::exception& e) {
      because_of(e);
      return true;
    }
  }

  // Gives the program what came; waits while it has enough.
  bool hand_over() {
    if (batch_.empty()) return true;
    if (!socket_.try_deliver(*pipe_, batch_)) return false;
    return batch_.empty() || hold_while([&] { return socket_.deliver(*pipe_, batch_); });
  }

  // Waits while XPUB's program has not heard of much that this peer has subscribed to.
  bool tell() {
    return socket_.has_heard(*pipe_) || hold_while([this] { return socket_.wait_until_heard(*pipe_); });
  }

  // The peer's silence does not count meanwhile, as nobody listens.
  template <class Wait>
  bool hold_while(Wait wait) {
    {
      std::lock_guard guard(lock_);
      beat_.hold();
    }
    if (!wait()) return false;
    {
      std::lock_guard guard(lock_);
      beat_.go_on(weir::internal::now());
    }
    socket_.nudge(*pipe_);  // the writer keeps the time, and did not know of any
    return true;
  }

  socket_core& socket_;
  const stream& stream_;
  const std::shared_ptr<pipe> pipe_;

  // The writer's, until both have ended.
  zmtp::encoder out_;
  item_list unwritten_;
  // The reader's.
  zmtp::decoder in_;
  item_list batch_;
  // Guarded by lock_, for a few instructions.
  weir::internal::small_lock lock_;
  zmtp::heartbeat beat_;
  std::string why_;
};

zmtp::handshake_options options_for(const socket_core& socket, zmtp::role side) {
  const socket_options& o = socket.options;
  zmtp::handshake_options h;
  h.type = socket.type;
  h.side = side;
  if (zmtp::has_identity(socket.type)) h.identity = o.identity;
  if (!o.username.empty() || o.authenticate) {
    h.mechanism = zmtp::security::plain;
    h.side = o.authenticate ? zmtp::role::server : zmtp::role::client;
    h.username = o.username;
    h.password = o.password;
  }
  h.most = o.limits;
  return h;
}

// Up to its end; empty: done. `rest`: what came behind it.
std::string shake(socket_core& socket, const stream& s, zmtp::handshake& h, std::string& rest) {
  const deadline limit(socket.options.handshake_time);
  std::array<char, 4096> part;
  for (;;) {
    if (!h.output().empty()) {
      const std::string out(h.output());
      const io_result r = s.write_all(out, limit);
      if (!r && h.status() != handshake_status::failed) return "handshake, write: " + text_of(r);
      h.sent(out.size());
    }
    switch (h.status()) {
      case handshake_status::done:
        return {};
      case handshake_status::failed:
        return h.failure().text();
      case handshake_status::credentials:
        if (socket.options.authenticate && socket.options.authenticate(h.username(), h.password()))
          h.accept();
        else
          h.deny();
        break;
      case handshake_status::running: {
        if (rest.empty()) {
          const io_result r = s.read_some(mutable_buffer(part), limit);
          if (r.status == io_status::timeout) return "the handshake took too long";
          if (!r) return "handshake, read: " + text_of(r);
          rest.assign(part.data(), r.bytes);
        }
        rest.erase(0, h.feed(rest));
        break;
      }
    }
  }
}

}  // namespace

void check_options(const socket_core& socket, site where) {
  const zmtp::handshake h(options_for(socket, zmtp::role::client), where);
  const zmtp::heartbeat beat(socket.options.heartbeat, {}, weir::internal::now(), where);
}

served serve(socket_core& socket, const stream& s, std::shared_ptr<pipe> p, zmtp::role side, const std::string& address,
             const std::function<void()>& shaken) {
  struct leave {
    const std::function<void()>& call;
    ~leave() { call(); }
  } const at_end{shaken};
  served outcome = served::failed;
  const bool connects = p != nullptr;
  try {
    std::string rest;
    zmtp::handshake h(options_for(socket, side));
    std::string failure = shake(socket, s, h, rest);
    shaken();  // before anybody is told, or could think that it still has its place
    if (failure.empty()) {
      struct owner {
        socket_core& of;
        pipe* mine = nullptr;
        ~owner() {
          if (mine) of.drop_pipe(*mine);
        }
      } made{socket};
      if (p == nullptr) {
        p = socket.add_pipe(false, address);
        made.mine = p.get();
      }
      pump w(socket, s, p, h);
      const char* const refused = socket.attach(*p, h.peer(), {s.share(), {}, {}});
      if (refused == nullptr) {
        outcome = served::up;
        w.run(rest);
        return outcome;
      }
      failure = refused;
    }
    s.close();
    if (h.failure().broken == zmtp::rule::refused_by_peer) {
      outcome = served::refused;
      if (connects) failure += "; it is not tried again";
    }
    socket.count_failed_handshake(address, failure);
    return outcome;
  } catch (const std::exception& e) {
    shaken();  // before anybody is told
    s.close();
    if (outcome != served::up) socket.count_failed_handshake(address, e.what());
    return outcome;
  }
}

}  // namespace weir::net::internal
