// weir::future: the result of a job that was submitted to a pool. select can wait for it: on_ready
// (channels/on_ready.h).
//
// Thread-safety: distinct futures, all of it, from actors and from plain threads. One object is used by one at a time.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/future_core.h"

namespace weir {

template <class T>
class future {
 public:
  using value_type = T;

  future() = default;  // refers to no result
  explicit future(internal::future_state<T>* adopted) noexcept : state_(adopted) {}
  future(future&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  future& operator=(future&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  // Abandons the job: it runs all the same, and its result, or failure, is dropped.
  ~future() {
    if (state_) state_->release();
  }

  // There is a result to take, now or later: false once it was taken or moved.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  // get() would not wait. Never parks.
  bool ready(site where = site::current()) const { return state("ready", where).done().is_set(); }

  // Parks until the job is over; true. False if `limit` came first. A cancel of the caller throws weir::cancelled and
  // leaves the job alone; while the caller unwinds, it waits on. A job that is never run, because of cancel() or the
  // end of its pool, is over as well.
  bool wait(deadline limit = {}, site where = site::current()) const {
    return state("wait", where).await("wait", limit);
  }

  // wait(), and then the result, moved out; rethrows what the job threw; throws actor_cancelled if it was never run.
  // The future is empty afterwards, and a further get() is misuse.
  T get(site where = site::current()) {
    state("get", where).await("get", {});
    return take();
  }
  // The same, at most until `limit`: empty then (void: false), and the future keeps its result.
  auto get(deadline limit, site where = site::current()) {
    if constexpr (std::is_void_v<T>) {
      if (!state("get", where).await("get", limit)) return false;
      take();
      return true;
    } else {
      if (!state("get", where).await("get", limit)) return std::optional<T>();
      return std::optional<T>(take());
    }
  }

  // A job that has not begun never will. One that runs goes on, but if its function takes a std::stop_token, that is
  // tripped. Returns at once; one that is over it leaves as it is.
  void cancel(site where = site::current()) { state("cancel", where).cancel(); }

  // For on_ready.
  internal::future_core* core() const noexcept { return state_; }

 private:
  internal::future_state<T>& state(const char* call, site where) const {
    if (state_ == nullptr) internal::throw_no_future(call, where);
    if (state_->forked()) internal::throw_forked(call, "a future", where);
    return *state_;
  }
  T take() {
    const future taken(std::move(*this));
    if (!taken.state_->ran()) internal::throw_no_result(*taken.state_);
    return taken.state_->result.take();
  }

  internal::future_state<T>* state_ = nullptr;
};

}  // namespace weir
