// The endpoints of a message socket: an actor for each, which accepts or connects.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "weir/net/dns/dial.h"
#include "weir/net/error.h"
#include "weir/net/local.h"
#include "weir/net/message_endpoint.h"
#include "weir/net/socket/internal/connection.h"
#include "weir/net/socket/internal/endpoint_entry.h"
#include "weir/net/socket/internal/inproc.h"
#include "weir/net/socket/internal/socket_core.h"
#include "weir/net/tcp.h"
#include "weir/runtime/internal/make_actor.h"
#include "weir/runtime/internal/random.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

namespace weir::net::internal {
namespace {

using std::chrono::nanoseconds;
using socket_ref = std::shared_ptr<socket_core>;

// What fails in the actor, as for want of memory, ends this endpoint and nothing else.
template <class F>
actor<void> run_in(socket_core& socket, const std::string& name, F f, site where) {
  weir::internal::runtime_core& r = socket.runtime;
  auto guarded = [f = std::move(f), at = socket.shared_from_this(), name]() mutable {
    try {
      f();
    } catch (const std::exception& e) {
      at->tell(peer_event_kind::connect_failed, name, {}, e.what());
    }
  };
  return actor<void>(
      weir::internal::make_actor(r, weir::internal::root_of(r), name, std::move(guarded), spawn_options{}, where));
}

// Connections that have not finished their handshake, oldest first.
class waiting_room {
 public:
  std::uint64_t enter(const stream& s, std::size_t most, socket_core& socket) {
    std::lock_guard guard(mutex_);
    if (most > 0 && inside_.size() >= most) {
      inside_.begin()->second.close();
      inside_.erase(inside_.begin());
      socket.count_crowded_out();
    }
    inside_.emplace(++last_, s.share());
    return last_;
  }
  void leave(std::uint64_t who) {
    std::lock_guard guard(mutex_);
    inside_.erase(who);
  }

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, stream> inside_;  // guarded by mutex_
  std::uint64_t last_ = 0;
};

template <class Listener>
void accept_all(socket_core& socket, Listener& listener) {
  waiting_room room;
  with_scope([&](scope& s) {
    for (;;) {
      stream accepted;
      try {
        auto connection = listener.accept();
        if (!connection) return;
        accepted = std::move(*connection);
      } catch (const std::exception&) {
        this_actor::sleep(std::chrono::milliseconds(100));  // the kernel's trouble, and not for ever
        continue;
      }
      // Peers that come, send and go leave their messages: while these are too many, the next ones wait in the kernel.
      socket.wait_for_the_gone();
      std::uint64_t number = 0;
      try {
        number = room.enter(accepted, socket.options.unauthenticated, socket);
        s.spawn("zmtp reader", [&socket, &room, number, c = std::move(accepted)] {
          serve(socket, c, nullptr, zmtp::role::server, c.name(), [&] { room.leave(number); });
        });
      } catch (const std::exception&) {  // no memory for one more: it goes
        room.leave(number);
        this_actor::sleep(std::chrono::milliseconds(10));
      }
    }
  });
}

nanoseconds jittered(nanoseconds base) {
  const auto share = weir::internal::thread_random().below(1u << 16);
  return base + nanoseconds(static_cast<std::int64_t>(static_cast<double>(base.count()) * share / (1u << 16)));
}

// Calls once() until the pipe is over, or the peer does not want this side; that says what came of it.
template <class Once>
void keep_connected(socket_core& socket, pipe& p, Once once) {
  struct drop {
    socket_core& of;
    pipe& at;
    ~drop() { of.drop_pipe(at); }
  } const at_end{socket, p};
  const nanoseconds first = std::max(socket.options.reconnect, nanoseconds(1));
  const nanoseconds most = std::max(socket.options.reconnect_most, first);
  for (nanoseconds pause = first; !socket.is_over(p);) {
    served outcome = served::failed;
    try {
      outcome = once();
    } catch (const std::exception& x) {  // for want of memory; there may be some again
      socket.count_failed_connect(p.address, x.what());
    }
    if (outcome == served::up) pause = first;
    if (outcome == served::refused || socket.is_over(p)) return;
    this_actor::sleep(jittered(pause));
    pause = std::min(pause * 2, most);
  }
}

served dial_and_serve(socket_core& socket, const std::shared_ptr<pipe>& p, const message_endpoint& to,
                      const std::string& text) {
  stream s;
  try {
    const deadline limit =
        socket.options.connect_time > nanoseconds(0) ? deadline(socket.options.connect_time) : deadline::never();
    if (to.over == message_transport::tcp)
      s = dial(to.stream().text(), limit);
    else
      s = local_connect(to.stream().text(), limit);
  } catch (const std::exception& e) {
    socket.count_failed_connect(text, e.what());
    return served::failed;
  }
  return serve(socket, s, p, zmtp::role::client, text, [] {});
}

served find_and_link(socket_core& socket, const std::shared_ptr<pipe>& p, const std::string& name,
                     const std::string& text) {
  const std::shared_ptr<inproc_names> names = names_of(socket);
  watch_receiver<std::uint64_t> changes = names->changes();
  for (;;) {
    if (const socket_ref to = names->find(name)) return link(socket, p, *to, name, text) ? served::up : served::failed;
    if (!changes.changed()) return served::failed;
  }
}

}  // namespace

std::string socket_core::bind(std::string_view endpoint, site where) {
  const message_endpoint at = message_endpoint::to_bind(endpoint);
  const socket_ref self = shared_from_this();
  endpoint_entry e{at.text(), true, {}, {}};
  if (at.over == message_transport::inproc) {
    struct unnamed {
      socket_ref of;
      std::string name, address;
      ~unnamed() {
        if (!of) return;
        names_of(*of)->remove(name);
        of->cut_inproc(address);
      }
      unnamed(socket_ref s, std::string n, std::string a)
          : of(std::move(s)), name(std::move(n)), address(std::move(a)) {}
      unnamed(unnamed&&) = default;
    };
    unnamed name(nullptr, at.name, at.text());
    if (!names_of(*this)->add(at.name, self)) throw error(EADDRINUSE, "bind", at.text());
    name.of = self;  // from now on whatever happens gives it back
    e.runner = run_in(
        *this, at.text(), [held = std::move(name)] { this_actor::sleep(deadline::never()); }, where);
  } else if (at.over == message_transport::tcp) {
    tcp_listener listener(at.listen_address());
    e.text = message_endpoint::of(listener.at()).text();
    e.runner = run_in(
        *this, e.text, [self, l = std::move(listener)]() mutable { accept_all(*self, l); }, where);
  } else {
    local_listener listener(at.stream().text());
    e.text = message_endpoint::of(listener.at()).text();
    e.runner = run_in(
        *this, e.text, [self, l = std::move(listener)]() mutable { accept_all(*self, l); }, where);
  }
  return add_endpoint(std::move(e), "bind");
}

namespace {

// Of these a second connection to the same endpoint would only double what comes, or who is asked; libzmq makes none.
bool connects_once(zmtp::socket_type type) noexcept {
  using enum zmtp::socket_type;
  return type == dealer || type == sub || type == pub || type == req;
}

}  // namespace

void socket_core::connect(std::string_view endpoint, site where) {
  const message_endpoint to = message_endpoint::to_connect(endpoint);
  const socket_ref self = shared_from_this();
  const std::string text(endpoint);
  std::list<endpoint_entry> ended;  // its peer has refused it, and the program tries again
  {
    std::lock_guard guard(endpoints_mutex_);
    for (auto at = endpoints_.begin(); at != endpoints_.end();) {
      const auto e = at++;
      if (e->bound || e->text != text) continue;
      bool gone;
      {
        std::lock_guard state(lock_);
        gone = e->queue->gone;
      }
      if (gone)
        ended.splice(ended.end(), endpoints_, e);
      else if (to.over != message_transport::inproc && connects_once(type))
        return;
    }
  }
  const std::shared_ptr<pipe> p = add_pipe(true, text);
  endpoint_entry e{text, false, p, {}};
  try {
    if (to.over == message_transport::inproc)
      e.runner = run_in(
          *this, text,
          [self, p, name = to.name, text] {
            keep_connected(*self, *p, [&] { return find_and_link(*self, p, name, text); });
          },
          where);
    else
      e.runner = run_in(
          *this, text,
          [self, p, to, text] { keep_connected(*self, *p, [&] { return dial_and_serve(*self, p, to, text); }); },
          where);
  } catch (...) {
    drop_pipe(*p);
    throw;
  }
  add_endpoint(std::move(e), "connect");
}

std::string socket_core::add_endpoint(endpoint_entry e, const char* call) {
  std::string text = e.text;
  std::list<endpoint_entry> one;
  one.push_back(std::move(e));
  {
    std::lock_guard guard(endpoints_mutex_);
    bool closed;
    {
      std::lock_guard state(lock_);
      closed = closing_;
    }
    if (!closed) {
      last_endpoint_ = text;
      endpoints_.splice(endpoints_.end(), one);
      return text;
    }
  }
  throw error(errc::closed, call, text);  // `one` ends its actor
}

bool socket_core::remove_endpoint(std::string_view text, bool bound) {
  std::list<endpoint_entry> one;
  {
    std::lock_guard guard(endpoints_mutex_);
    const auto at = std::find_if(endpoints_.begin(), endpoints_.end(),
                                 [&](const endpoint_entry& e) { return e.bound == bound && e.text == text; });
    if (at == endpoints_.end()) return false;
    one.splice(one.end(), endpoints_, at);
  }
  return true;
}

std::string socket_core::last_endpoint() {
  std::lock_guard guard(endpoints_mutex_);
  return last_endpoint_;
}

}  // namespace weir::net::internal
