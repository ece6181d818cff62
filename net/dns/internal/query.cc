#include "weir/net/dns/internal/query.h"

#include <netdb.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>
#include <new>
#include <optional>

#include "weir/net/dns/internal/attempt_order.h"
#include "weir/net/dns/internal/name_servers_settings.h"
#include "weir/net/error.h"
#include "weir/net/internal/as_net_error.h"
#include "weir/runtime/base/clock.h"
#include "weir/runtime/internal/descriptor.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {
namespace {

namespace base = weir::internal;
using base::time_point;

// What came of one family.
struct part {
  bool over = false;
  int status = ARES_SUCCESS;
  std::vector<address> addresses;
  int ttl = std::numeric_limits<int>::max();

  bool has_addresses() const noexcept { return over && !addresses.empty(); }
  void take(const ares_addrinfo& found) {
    for (const ares_addrinfo_node* n = found.nodes; n != nullptr; n = n->ai_next) {
      const address at(n->ai_addr, n->ai_addrlen);
      if (std::find(addresses.begin(), addresses.end(), at) == addresses.end()) addresses.push_back(at);
      ttl = std::min(ttl, n->ai_ttl);
    }
    for (const ares_addrinfo_cname* c = found.cnames; c != nullptr; c = c->next) ttl = std::min(ttl, c->ttl);
  }
};

void answered(void* slot, int status, int, ares_addrinfo* found) noexcept {
  part& p = *static_cast<part*>(slot);
  p.over = true;
  p.status = status;
  try {
    if (found != nullptr) p.take(*found);
  } catch (const std::bad_alloc&) {
    p.status = ARES_ENOMEM;
  }
  ares_freeaddrinfo(found);
}

int new_epoll(const std::string& name) {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw_errno("resolve", name);
  return fd;
}

// The question for one family. It has a channel and sockets of its own: of an error that the kernel reports once for a
// socket (nobody at that address), both families hear.
class half {
 public:
  half(const name_servers& whom, const std::string& name, int family, int epoll) : epoll_(epoll) {
    const name_servers::settings& from = whom.get();
    ares_options options = from.options;
    options.sock_state_cb = &half::watch_socket;
    options.sock_state_cb_data = this;
    is_v6_ = family == AF_INET6;
    ares_channel made = nullptr;
    check(ares_init_options(&made, &options, from.mask | ARES_OPT_SOCK_STATE_CB), name);
    channel_.reset(made);
    auto* const servers = const_cast<ares_addr_port_node*>(from.servers.data());  // which are copied
    check(ares_set_servers_ports(made, servers), name);
    ares_addrinfo_hints hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(made, name.c_str(), nullptr, &hints, &answered, &answer_);
  }
  half(const half&) = delete;

  const part& answer() const noexcept { return answer_; }
  // Why one of its sockets is watched by nobody; 0: all are.
  int unwatched() const noexcept { return unwatched_; }
  // When it wants to try again.
  deadline due() const noexcept {
    timeval left{};
    if (ares_timeout(channel_.get(), nullptr, &left) == nullptr) return {};
    return std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  }
  void look_at_clock() noexcept { ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD); }
  // Something has happened on one of its sockets.
  void serve(const epoll_event& e) noexcept {
    const auto fd = static_cast<ares_socket_t>(e.data.u64 & 0xffffffff);
    const bool failed = (e.events & (EPOLLERR | EPOLLHUP)) != 0;
    ares_process_fd(channel_.get(), (e.events & EPOLLIN) != 0 || failed ? fd : ARES_SOCKET_BAD,
                    (e.events & EPOLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
  }
  // Which half an event is for.
  static constexpr std::uint64_t v6_mark = std::uint64_t{1} << 32;

 private:
  struct destroy {
    void operator()(ares_channel c) const noexcept { ares_destroy(c); }
  };

  static void check(int status, const std::string& name) {
    if (status == ARES_SUCCESS) return;
    throw error(status == ARES_ENOMEM ? std::make_error_code(std::errc::not_enough_memory)
                                      : make_error_code(dns_errc::no_server),
                "resolve", name);
  }
  // Keeps the epoll set in step with c-ares' sockets.
  static void watch_socket(void* of, ares_socket_t fd, int readable, int writable) noexcept;

  const int epoll_;
  bool is_v6_ = false;
  int unwatched_ = 0;
  part answer_;
  std::unique_ptr<ares_channeldata, destroy> channel_;  // goes first: c-ares calls back at its end
};

void half::watch_socket(void* of, ares_socket_t fd, int readable, int writable) noexcept {
  half& h = *static_cast<half*>(of);
  epoll_event wanted{};
  wanted.events = (readable != 0 ? EPOLLIN : 0u) | (writable != 0 ? EPOLLOUT : 0u);
  wanted.data.u64 = static_cast<std::uint32_t>(fd) | (h.is_v6_ ? v6_mark : 0);
  if (wanted.events == 0)
    epoll_ctl(h.epoll_, EPOLL_CTL_DEL, fd, nullptr);
  else if (epoll_ctl(h.epoll_, EPOLL_CTL_MOD, fd, &wanted) != 0 && epoll_ctl(h.epoll_, EPOLL_CTL_ADD, fd, &wanted) != 0)
    h.unwatched_ = errno;
}

class query {
 public:
  query(const name_servers& whom, const std::string& name)
      : name_(name),
        epoll_(new_epoll(name)),
        set_(epoll_),
        v6_(whom, name, AF_INET6, epoll_),
        v4_(whom, name, AF_INET, epoll_) {}

  void run(std::chrono::milliseconds other_family, deadline limit) {
    base::descriptor::operation op(set_, base::direction::read, "resolve", {});
    deadline other;  // once one family is there
    while (!(v6_.answer().over && v4_.answer().over)) {
      if (other.is_never() && (v6_.answer().has_addresses() || v4_.answer().has_addresses())) other = other_family;
      if (other.expired()) break;
      for (const half* h : {&v6_, &v4_})
        if (const int code = h->unwatched(); code != 0) throw error(code, "resolve", name_);
      if (op.may_try() && serve(op)) continue;
      const base::plain_wait why("resolve", name_.c_str());
      const deadline next = sooner(sooner(v6_.due(), v4_.due()), sooner(other, limit));
      switch (as_net_error(why, [&] { return op.wait(why, next); })) {
        case base::wait_result::ready:
          break;
        case base::wait_result::timeout:
          if (limit.expired()) throw error(make_error_code(errc::timeout), "resolve", name_);
          v6_.look_at_clock();
          v4_.look_at_clock();
          break;
        case base::wait_result::closed:
        case base::wait_result::cancelled:
          base::meet_cancel("resolve");
          throw error(ECANCELED, "resolve", name_);  // the caller unwinds
      }
    }
  }

  answer result() const {
    const part &v6 = v6_.answer(), &v4 = v4_.answer();
    answer a;
    a.addresses = attempt_order(v6.addresses, v4.addresses);
    if (!a.addresses.empty()) {
      if (knows(v6) && knows(v4)) a.good_for = std::chrono::seconds(std::max(0, std::min(v6.ttl, v4.ttl)));
      return a;
    }
    a.failure = std::max(failure_of(v6.status), failure_of(v4.status));
    if (*a.failure == dns_errc::no_such_name || *a.failure == dns_errc::no_address)
      a.good_for = std::chrono::seconds::max();
    return a;
  }

 private:
  static deadline sooner(deadline a, deadline b) noexcept { return a.at() < b.at() ? a : b; }

  // False: nothing has happened on any socket.
  bool serve(base::descriptor::operation& op) {
    std::array<epoll_event, 8> events;
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      const epoll_event& e = events[static_cast<std::size_t>(i)];
      ((e.data.u64 & half::v6_mark) != 0 ? v6_ : v4_).serve(e);
    }
    if (count <= 0) op.would_block();
    return count > 0;
  }
  // The name servers have said what there is of that family, be it nothing.
  static bool knows(const part& p) noexcept {
    return p.over && (p.status == ARES_SUCCESS || p.status == ARES_ENODATA || p.status == ARES_ENOTFOUND);
  }
  // In the order of dns_errc: of two the greater one says more.
  static dns_errc failure_of(int status) noexcept {
    switch (status) {
      case ARES_SUCCESS:
      case ARES_ENODATA:
        return dns_errc::no_address;
      case ARES_ENOTFOUND:
        return dns_errc::no_such_name;
      case ARES_EREFUSED:
        return dns_errc::refused;
      case ARES_ETIMEOUT:
        return dns_errc::silent;
      case ARES_ECONNREFUSED:
        return dns_errc::no_server;
      case ARES_EBADNAME:
        return dns_errc::not_a_name;
      default:
        return dns_errc::failed;
    }
  }

  const std::string& name_;
  const int epoll_;  // set_'s
  const base::descriptor set_;
  half v6_, v4_;  // go before the set they are in
};

}  // namespace

answer ask_name_servers(const name_servers& whom, const std::string& name, std::chrono::milliseconds other_family,
                        deadline limit) {
  query q(whom, name);
  q.run(other_family, limit);
  return q.result();
}

}  // namespace weir::net::internal
