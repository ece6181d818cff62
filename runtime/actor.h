// Actors: green threads with a name, a result, and an end that others can wait for.
//   spawn        starts one; the handle owns it
//   actor<T>     owning handle: its destructor cancels and joins
//   actor_ref<T> non-owning handle, as scope::spawn gives it
//
// Thread-safety: distinct handles, all of it, from actors and from plain threads. One handle object is used by one at a
// time.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/base/spawn_options.h"
#include "weir/runtime/internal/make_actor.h"

namespace weir {
namespace internal {

// Waits until `a` has ended. False: timeout. Throws cancelled (but waits on while unwinding), or misuse for oneself.
bool await_exit(actor_core& a, deadline limit, site where);
// Waits without throwing, whatever is cancelled.
void await_exit_quietly(actor_core& a) noexcept;
// After the end: rethrows the failure, or throws actor_cancelled.
void rethrow_exit(actor_core& a);
// The end of an owning handle that was neither joined nor detached.
void abandon(actor_core& a) noexcept;
[[noreturn]] void throw_empty_handle(const char* call, site where);
[[noreturn]] void throw_forked_handle(const actor_core& a, const char* call, site where);
[[noreturn]] void throw_taken(actor_core& a, site where);

// What actor and actor_ref share: a counted reference.
template <class T>
class actor_handle {
 public:
  // A number unique in its runtime, from 1.
  std::uint64_t id(site where = site::current()) const { return get("id", where).id(); }
  // The first 39 characters of the name it was spawned with.
  std::string_view name(site where = site::current()) const { return get("name", where).name(); }

  // The most bytes of its stack that were ever in use, in whole pages of 4 KiB: what spawn_options.stack must cover. An
  // upper bound, as a stack goes from actor to actor without being cleared. After the end too. Takes about a
  // microsecond, and does not see pages that were swapped out.
  std::size_t stack_used(site where = site::current()) const { return get("stack_used", where).stack()->high_water(); }

  // Asks it to end: each park in it throws weir::cancelled from now on. Returns at once.
  void cancel(site where = site::current()) { get("cancel", where).cancel(); }

  // Parks until the actor has ended, its closure is destroyed and its result is there; true. False if `limit` came
  // first. A cancel of the caller throws weir::cancelled; while the caller unwinds, it waits on.
  bool wait(deadline limit = {}, site where = site::current()) const {
    return await_exit(get("wait", where), limit, where);
  }

  // wait() and then the result, moved out; rethrows the exception that ended the actor; throws actor_cancelled if a
  // cancel did. A value can be taken once: a later join is misuse. Of a void actor, any number may join.
  T join(site where = site::current()) {
    actor_result<T>& a = get("join", where);
    await_exit(a, {}, where);
    joined_ = true;
    rethrow_exit(a);
    if constexpr (!std::is_void_v<T>) {
      if (a.taken.exchange(true, std::memory_order_acq_rel)) throw_taken(a, where);
      return std::move(*a.value);
    }
  }

  // For calls that wait for several.
  internal::actor_core& core(const char* call, site where) const { return get(call, where); }

  // The handle refers to an actor: false once moved from, detached or reset.
  explicit operator bool() const noexcept { return actor_ != nullptr; }

 protected:
  actor_handle() = default;
  explicit actor_handle(actor_result<T>* adopted) noexcept : actor_(adopted) {}
  actor_handle(const actor_handle& other) noexcept : actor_(other.actor_) {
    if (actor_) actor_->retain();
  }
  actor_handle(actor_handle&& other) noexcept : actor_(std::exchange(other.actor_, nullptr)), joined_(other.joined_) {}
  actor_handle& operator=(const actor_handle& other) noexcept {
    actor_handle copy(other);
    swap(copy);
    return *this;
  }
  actor_handle& operator=(actor_handle&& other) noexcept {
    actor_handle taken(std::move(other));
    swap(taken);
    return *this;
  }
  void swap(actor_handle& other) noexcept {
    std::swap(actor_, other.actor_);
    std::swap(joined_, other.joined_);
  }
  ~actor_handle() {
    if (actor_) actor_->release();
  }

  actor_result<T>& get(const char* call, site where) const {
    if (actor_ == nullptr) throw_empty_handle(call, where);
    if (actor_->forked()) throw_forked_handle(*actor_, call, where);
    return *actor_;
  }

  actor_result<T>* actor_ = nullptr;
  bool joined_ = false;
};

}  // namespace internal

template <class T>
class [[nodiscard]] actor : public internal::actor_handle<T> {
 public:
  actor() = default;  // refers to none
  explicit actor(internal::actor_result<T>* adopted) noexcept : internal::actor_handle<T>(adopted) {}
  actor(actor&&) noexcept = default;
  actor& operator=(actor&& other) noexcept {
    actor taken(std::move(other));  // cancels and joins what this one owned, at the end
    this->swap(taken);
    return *this;
  }
  // Cancels the actor and waits for its end, as std::jthread does. Never throws; a failure that nobody joined goes to
  // runtime_options.on_unhandled.
  ~actor() {
    if (this->actor_ && !this->joined_) internal::abandon(*this->actor_);
  }

  // Lets go: the actor runs on by itself, until the runtime ends. If it fails, runtime_options.on_unhandled is called.
  void detach(site where = site::current()) {
    internal::actor_result<T>& a = this->get("detach", where);
    if (!this->joined_) a.detach();  // what a join has thrown is not unhandled
    std::exchange(this->actor_, nullptr)->release();
  }
};

template <class T>
class actor_ref : public internal::actor_handle<T> {
 public:
  actor_ref() = default;  // refers to none
  explicit actor_ref(internal::actor_result<T>* adopted) noexcept : internal::actor_handle<T>(adopted) {}
};

// Starts an actor that runs f(). The closure is moved to the actor's stack and destroyed there before the exit is
// published. The caller goes on; the new actor is runnable at once. Throws misuse (on a plain thread, options out of
// range), no_memory (no stack to be had; nothing has happened).
template <class F>
[[nodiscard]] actor<internal::actor_value_t<F>> spawn(std::string_view name, F&& f, spawn_options options = {},
                                                      site where = site::current()) {
  internal::runtime_core& r = internal::runtime_for_spawn(where);
  return actor<internal::actor_value_t<F>>(
      internal::make_actor(r, internal::root_of(r), name, std::forward<F>(f), options, where));
}
template <class F>
requires std::is_invocable_v < std::decay_t<F>
& > [[nodiscard]] actor<internal::actor_value_t<F>> spawn(F&& f, spawn_options options = {},
                                                          site where = site::current()) {
  return spawn(std::string_view(), std::forward<F>(f), options, where);
}

}  // namespace weir
