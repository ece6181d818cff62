// A watch of T: the latest value, a version that counts how often it was set, and who waits for a newer one.
//
// Thread-safety: all of it; functions that end in _locked under lock_.
//
// Values are never changed in place: a reader holds a reference to the one it saw, for as long as it likes, and no
// writer waits for it. Writers take turns through a mutex that parks, because update() runs user code between reading
// and writing.
//
// Invariants (under lock_):
//  1. version_ is raised with each value. Nobody has seen a higher one.
//  2. A live waiter has looked at version_, and the watch is open; but for those that a writer, who serves them in
//     batches, has not come to yet. waiters_ is ordered by the version they have looked at.
//  3. closed_ never becomes false again, and version_ stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/channels/internal/shared_value.h"
#include "weir/channels/internal/source_base.h"
#include "weir/channels/status.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/sync/mutex.h"

namespace weir::internal {

// What one wait for a newer value brings.
template <class T>
struct watch_news {
  explicit watch_news(std::uint64_t* handle_saw) noexcept : seen(handle_saw) {}

  std::uint64_t* seen;          // the waiting handle's; guarded by the core's lock
  std::uint64_t looked_at = 0;  // no newer version was there
  std::uint64_t version = 0;
  shared_value<T> value;
};

template <class T>
class watch_core final : public source_base {
 public:
  using news = watch_news<T>;

  watch_core(shared_value<T> initial, std::string_view name, site where)
      : source_base(where), name_(name), turn_(where), current_(std::move(initial)) {}

  // The writers' turn: hold it from reading current() to publish().
  mutex& turn() noexcept { return turn_; }

  // Makes it the latest value and wakes whoever waits for one. `fresh` is the one before then, which goes when the turn
  // is over: its destructor may set. True: the caller's turn on its worker is over too.
  [[nodiscard]] bool publish(shared_value<T>& fresh) noexcept {
    lock_.lock();
    const bool tired = spend_locked();
    std::swap(current_, fresh);
    ++version_;
    wake_and_unlock();
    return tired;
  }

  shared_value<T> current() noexcept { return std::lock_guard(lock_), current_; }
  // The latest value; counts as seen.
  void look(news& out) noexcept {
    lock_.lock();
    const bool tired = spend_locked();
    give_locked(out);
    lock_.unlock();
    if (tired) give_way();
  }
  bool has_changed(const std::uint64_t& seen) noexcept {
    std::lock_guard guard(lock_);
    return seen < version_;
  }

  recv_status try_changed(news& out) noexcept {
    lock_.lock();
    const bool tired = spend_locked();
    out.looked_at = *out.seen;
    const recv_status s = take_locked(out);
    lock_.unlock();
    if (tired) give_way();
    return s;
  }

  // Waits for a value that is newer than what the handle has seen.
  recv_status changed(news& out, deadline limit, site where) {
    lock_.lock();
    out.looked_at = *out.seen;
    return wait_newer_locked(out, limit, where);
  }

  // Waits until ready(value) of a latest value, looked at in turn, beginning with the one of now.
  template <class Predicate>
  recv_status wait_for(Predicate& ready, news& out, deadline limit, site where) {
    look(out);
    recv_status s = recv_status::ok;
    while (s == recv_status::ok && !ready(out.value.get())) s = newer(out, limit, where);
    return s;
  }

  // For select.
  using enrolled = select_case::enrolled;
  enrolled enroll(news& out, wait_node& node, bool& closed);  // in watch_arrival.h
  void withdraw(wait_node& node) noexcept { source_base::withdraw(waiters_, node); }

  void add_sender() noexcept {
    std::lock_guard guard(lock_);
    ++senders_;
  }
  // The last one closes. It counts as alive until it has woken everybody: else a receiver that goes would free all
  // this.
  void drop_sender() noexcept {
    lock_.lock();
    if (senders_ == 1) {
      closed_ = true;
      wake_and_unlock();
      lock_.lock();
    }
    const bool last = --senders_ == 0 && receivers_ == 0;
    lock_.unlock();
    if (last) delete this;
  }
  // One more receiver, that has seen what `seen` says, or the latest value. Answers with what it has seen.
  std::uint64_t add_receiver(const std::uint64_t* seen) noexcept {
    std::lock_guard guard(lock_);
    ++receivers_;
    return seen ? *seen : version_;
  }
  void drop_receiver() noexcept {
    lock_.lock();
    const bool last = --receivers_ == 0 && senders_ == 0;
    lock_.unlock();
    if (last) delete this;
  }

  std::size_t receivers() noexcept { return std::lock_guard(lock_), receivers_; }
  std::size_t receivers_waiting() noexcept { return waiting_in(waiters_); }

  std::string describe() override {
    lock_.lock();
    const std::uint64_t version = version_;
    const bool closed = closed_;
    lock_.unlock();
    return place("watch", name_) + " version " + std::to_string(version) + (closed ? " closed" : "");
  }

 private:
  static constexpr int batch = explored ? 1 : 32;  // waiters served in one hold of the lock

  ~watch_core() override = default;

  // REQUIRES: out.value is empty, as nothing may be destroyed under the lock.
  void give_locked(news& out) noexcept {
    out.value = current_;
    *out.seen = out.version = version_;
  }
  recv_status take_locked(news& out) noexcept {
    if (out.looked_at == version_) return closed_ ? recv_status::closed : recv_status::empty;
    give_locked(out);
    return recv_status::ok;
  }

  // Waits for one that is newer than `out` itself.
  recv_status newer(news& out, deadline limit, site where) {
    const shared_value<T> old = std::move(out.value);  // not to be destroyed under the lock
    lock_.lock();
    out.looked_at = out.version;
    return wait_newer_locked(out, limit, where);
  }
  // REQUIRES: lock_ is held; it is free afterwards.
  recv_status wait_newer_locked(news& out, deadline limit, site where) {
    const bool tired = spend_locked();
    const recv_status s = take_locked(out);
    if (s != recv_status::empty) {
      lock_.unlock();
      if (tired) give_way();
      if (s == recv_status::closed) closed_or_cancelled("watch");
      return s;
    }
    switch (wait_locked(waiters_, &out, "watch", limit, where)) {
      case wait_end::handed:
        return recv_status::ok;
      case wait_end::timeout:
        return recv_status::timeout;
      case wait_end::closed:
        closed_or_cancelled("watch");
        return recv_status::closed;
      case wait_end::cancelled:
        break;
    }
    meet_cancel("watch");
    return recv_status::closed;
  }

  // Serves those whom the latest value, or the end, concerns. Whoever registers meanwhile has seen it already, and
  // stands behind them. REQUIRES: lock_ is held; it is free afterwards.
  void wake_and_unlock() noexcept {
    for (bool more = true; more;) {
      wait_node* const served = serve_locked(more);
      lock_.unlock();
      wake_all(served);
      if (more) lock_.lock();
    }
  }
  wait_node* serve_locked(bool& more) noexcept {
    wait_node* chain = nullptr;
    wait_node** end = &chain;
    more = false;
    for (int served = 0; wait_node* const first = waiters_.front();) {
      news& out = *static_cast<news*>(first->slot);
      if (out.looked_at == version_ && !closed_) break;
      if ((more = served == batch)) break;
      wait_node* const n = waiters_.claim_front();
      if (n == nullptr) continue;  // its wait ended otherwise
      n->closed = take_locked(out) == recv_status::closed;
      n->next = nullptr;
      *end = n;
      end = &n->next;
      ++served;
    }
    return chain;
  }

  const std::string name_;
  mutex turn_;
  // Guarded by lock_:
  shared_value<T> current_;
  std::uint64_t version_ = 1;
  bool closed_ = false;
  std::size_t senders_ = 1;
  std::size_t receivers_ = 1;
  wait_list waiters_;  // slot: the news to fill
};

}  // namespace weir::internal
