#include "weir/net/socket/internal/inproc.h"

#include <fmt/core.h>

#include <memory>
#include <utility>

#include "weir/net/zmtp/socket_type.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

namespace weir::net::internal {
namespace {

zmtp::peer_info introduce(const socket_core& s) {
  zmtp::peer_info p;
  p.type = s.type;
  if (zmtp::has_identity(s.type)) p.identity = s.options.identity;
  return p;
}

// One direction. What it has taken and found no room for stays in `taken`, as it was.
void carry(socket_core& from, pipe& out, socket_core& to, pipe& in, item_list& taken) {
  item_list batch;
  std::size_t room = 0, messages = 0;
  for (;;) {
    const socket_core::taken next = from.take(out, taken, {});
    if (next == socket_core::taken::over || next == socket_core::taken::ending) return;
    while (!taken.empty()) {
      if (messages == room && taken.front()->kind == item_kind::message) {
        if (!to.deliver(in, batch)) return;
        from.wrote(out, std::exchange(messages, 0));
        if ((room = to.wait_for_room(in)) == 0) return;
      }
      std::unique_ptr<item> i(taken.pop_front());  // without memory it is lost, and not sent again in part
      switch (i->kind) {
        case item_kind::message:
          ++messages;
          if (i->shared) {
            i->body = std::exchange(i->shared, nullptr)->copy();
            i->weigh();
          }
          i->number = 0;
          to.arrived(in, std::move(i), batch);
          break;
        case item_kind::subscribe:
        case item_kind::cancel:
          if (!zmtp::takes_subscriptions(to.type)) break;
          if (!to.arrived_subscription(in, i->kind == item_kind::subscribe, i->body.front().text()).empty()) {
            static_cast<void>(to.deliver(in, batch));  // what came before
            return;
          }
          break;
        case item_kind::pong:
          break;
      }
    }
    if (!to.deliver(in, batch)) return;
    from.wrote(out, std::exchange(messages, 0));
    room = 0;
    if (!to.has_heard(in) && !to.wait_until_heard(in)) return;
    this_actor::maybe_yield();
  }
}

}  // namespace

inproc_names::inproc_names() : changed_(watch<std::uint64_t>(0, "inproc names").tx) {}

bool inproc_names::add(const std::string& name, const std::shared_ptr<socket_core>& of) {
  {
    std::lock_guard guard(mutex_);
    std::weak_ptr<socket_core>& at = names_[name];
    if (!at.expired()) return false;
    at = of;
  }
  changed_.set(changed_.get().version() + 1);
  return true;
}

void inproc_names::remove(const std::string& name) {
  std::lock_guard guard(mutex_);
  names_.erase(name);
}

std::shared_ptr<socket_core> inproc_names::find(const std::string& name) {
  std::lock_guard guard(mutex_);
  const auto at = names_.find(name);
  return at == names_.end() ? nullptr : at->second.lock();
}

std::shared_ptr<inproc_names> names_of(const socket_core& of) { return of.runtime.extensions().get<inproc_names>(); }

bool link(socket_core& from, const std::shared_ptr<pipe>& p, socket_core& to, const std::string& name,
          const std::string& address) {
  std::string failure;
  const auto refused = [&failure](const char* why) {
    if (why) failure = why;
    return why != nullptr;
  };
  if (!zmtp::legal(from.type, to.type))
    failure = fmt::format("{} and {} do not talk to each other (RFC 37)", zmtp::name(from.type), zmtp::name(to.type));
  const std::shared_ptr<pipe> q = to.add_pipe(false, address);
  // What is on its way from p to q, and back.
  item_list up, down;
  struct end {
    socket_core& of;
    pipe& at;
    item_list& taken;
    ~end() {
      of.detach(at, std::move(taken), "the other socket has ended the connection");
      of.drop_pipe(at);
    }
  } const end_of_q{to, *q, down};
  if (!failure.empty() || refused(to.attach(*q, introduce(from), {{}, from.weak_from_this(), p})) ||
      refused(from.attach(*p, introduce(to), {{}, to.weak_from_this(), q}))) {
    from.count_failed_handshake(address, failure);
    to.count_failed_handshake(address, failure);
    return false;
  }
  struct leave {
    socket_core& of;
    pipe& at;
    item_list& taken;
    ~leave() { of.detach(at, std::move(taken), "the other socket has ended the connection"); }
  } const leave_p{from, *p, up};
  const auto cut = [&] {
    from.cut(*p);
    to.cut(*q);
  };
  // Who gives up a name cuts what it finds attached, and may have come too early for this one.
  if (names_of(from)->find(name).get() != &to) cut();
  with_scope([&](scope& s) {
    struct closer {
      decltype(cut)& f;
      ~closer() { f(); }
    } const at_end{cut};
    s.spawn("inproc", [&from, &to, &p, &q, &down] {
      struct both {
        socket_core &a, &b;
        pipe &of_a, &of_b;
        ~both() {
          a.cut(of_a);
          b.cut(of_b);
        }
      } const at_end_of_this{from, to, *p, *q};
      carry(to, *q, from, *p, down);
    });
    carry(from, *p, to, *q, up);
  });
  return true;
}

}  // namespace weir::net::internal
