// monitor: watches any number of actors, and gives the exit notice of each exactly once, in the order of their ends.
//   m.watch(actor)         from now on
//   m.recv(), for (...)    the next notice
//   on_exit(m, body)       body(std::optional<exit_notice>): as a case of select
//
// Thread-safety: one actor or thread uses a monitor at a time; the watched actors run where they like.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/actors/exit_notice.h"
#include "weir/channels/internal/select_case.h"
#include "weir/channels/status.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/exit_queue.h"

namespace weir {

class monitor {
 public:
  explicit monitor(site where = site::current()) noexcept : ended_("monitor", where) {}
  monitor(const monitor&) = delete;
  monitor& operator=(const monitor&) = delete;
  // Forgets those that have not ended; they run on. May wait some microseconds for a notice that is on its way.
  ~monitor() = default;

  // Adds an actor; one that has ended already is delivered at once. Watched twice, it is delivered twice. The handle
  // may go: a watched actor keeps its stack until its notice was taken. Allocates some 200 bytes. Misuse for an empty
  // handle and for the calling actor itself.
  template <class T>
  void watch(const internal::actor_handle<T>& a, site where = site::current()) {
    ended_.watch(a.core("monitor::watch", where));
  }

  // How many watched actors there are whose notice was not taken.
  std::size_t left() const noexcept { return ended_.left(); }

  // Parks until one of the watched actors has ended. Empty at once if none is left, as a drained channel. A cancel
  // throws weir::cancelled; while the caller unwinds, it waits on, as join does. Allocates the name if it is long.
  std::optional<exit_notice> recv();
  // The same, at most until `limit`. `closed`: none is left.
  recv_result<exit_notice> recv(deadline limit);
  // Never parks. `empty`: none has ended since.
  recv_result<exit_notice> try_recv();

  // An input range of exit_notice&: each step is a recv(), the end is that none is left.
  class iterator {
   public:
    using value_type = exit_notice;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(monitor& from) : from_(&from) { ++*this; }
    exit_notice& operator*() const noexcept { return *notice_; }
    exit_notice* operator->() const noexcept { return &*notice_; }
    iterator& operator++() {
      notice_ = from_->recv();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !notice_.has_value(); }

   private:
    monitor* from_ = nullptr;
    mutable std::optional<exit_notice> notice_;
  };
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  // For select.
  internal::exit_queue& queue() noexcept { return ended_; }

 private:
  internal::exit_queue ended_;
};

namespace internal {

// The part that does not depend on the body.
class any_exit_case : public select_case {
 public:
  any_exit_case(exit_queue& ended, site at) noexcept : ended_(ended) { where = at; }

  bool try_now() final;
  enrolled enroll(wait_node& node) final;
  void withdraw(wait_node& node) noexcept final { ended_.withdraw(node); }
  void completed(const wait_node&) noexcept final { taken_ = ended_.try_pop(); }
  void complete_as_closed() noexcept final { by_close = true; }
  std::string describe() const final;

 protected:
  ~any_exit_case() = default;
  // Empty: none is left.
  std::optional<exit_notice> notice();

 private:
  exit_queue& ended_;
  std::optional<exit_queue::ended> taken_;
};

template <class Body>
class monitor_case final : public user_case<monitor_case<Body>, any_exit_case> {
 public:
  monitor_case(exit_queue& ended, Body body, site at)
      : user_case<monitor_case, any_exit_case>(ended, at), body_(std::move(body)) {}
  decltype(auto) run() { return std::invoke(body_, this->notice()); }

 private:
  Body body_;
};

}  // namespace internal

// A case of select that takes the next notice. If none is left it is ready for ever, with an empty optional, as a
// closed channel is: switch it off by .when(m.left() > 0).
template <class Body>
auto on_exit(monitor& of, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, std::optional<exit_notice>>,
                "weir::on_exit: the body for a monitor takes a std::optional<weir::exit_notice>");
  return internal::monitor_case<Body>(of.queue(), std::move(body), where);
}

}  // namespace weir
