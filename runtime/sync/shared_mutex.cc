#include "weir/runtime/sync/shared_mutex.h"

#include <fmt/core.h>

#include <mutex>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/sync/internal/holder.h"

namespace weir {

using internal::interruptible;
using internal::parker;
using internal::wait_end;
using internal::wait_node;

shared_mutex::~shared_mutex() {
  lock_.lock();
  const bool used = writer_ != nullptr || readers_ > 0 || !waiting_writers_.empty() || !waiting_readers_.empty();
  lock_.unlock();
  if (used)
    internal::abort_misuse("~shared_mutex", "a shared_mutex must not end while it is held or waited for", describe(),
                           "Let it live longer than all who use it.", where_);
}

// Free means that nobody waits who could be served: whoever lets go hands over.
bool shared_mutex::take_locked(parker& self) noexcept {
  if (writer_ != nullptr || readers_ > 0) return false;
  writer_ = &self;
  return true;
}

// A writer that is about to give up counts too: when it leaves it serves the readers that it kept back.
bool shared_mutex::take_shared_locked() noexcept {
  if (writer_ != nullptr || !waiting_writers_.empty()) return false;
  ++readers_;
  return true;
}

// After a change: gives the lock to those who may have it now. The answer is a chain to be woken after unlock.
wait_node* shared_mutex::serve_locked(turn t) noexcept {
  if (writer_ != nullptr) return nullptr;
  if (t == turn::writers) {
    if (readers_ == 0) {
      if (wait_node* const w = waiting_writers_.claim_first()) {
        writer_ = w->owner;
        w->next = nullptr;
        return w;
      }
    }
    if (!waiting_writers_.empty()) return nullptr;
  }
  wait_node* const all = waiting_readers_.claim_all();
  for (const wait_node* n = all; n != nullptr; n = n->next) ++readers_;
  // No reader was left: the next writer's turn.
  return all == nullptr && t == turn::readers ? serve_locked(turn::writers) : all;
}

void shared_mutex::refuse_writer_locked(const char* call, const parker& self) {
  if (writer_ != &self) return;
  lock_.unlock();
  internal::throw_misuse(
      fmt::format("shared_mutex::{}", call).c_str(), "the writer must not lock it again",
      internal::describe_place("shared_mutex", where_) + " held by " + internal::describe_holder(self),
      "Unlock it first, or split the function into one that locks and one that expects it.", where_);
}

template <class Take>
bool shared_mutex::lock_either(const char* call, internal::wait_list& list, deadline limit, Take take) {
  budget_.spend();
  parker& self = internal::current_parker();
  const internal::wait_for why(
      call, [this] { return describe(); }, [this](std::vector<internal::wait_target>& out) { add_target(out); });
  interruptible i = internal::unless_unwinding();
  for (;;) {
    lock_.lock();
    if (take(self)) {
      lock_.unlock();
      return true;
    }
    refuse_writer_locked(call, self);
    wait_node node;
    switch (internal::park_in(lock_, list, node, why, i, limit, [this] { return serve_locked(turn::writers); })) {
      case wait_end::woken:
        return true;
      case wait_end::timeout:
        return false;
      case wait_end::cancelled:
        internal::meet_cancel(call);
        i = interruptible::no;  // the caller unwinds by now: it waits on
    }
  }
}

// Readers are not known.
void shared_mutex::add_target(std::vector<internal::wait_target>& out) {
  std::lock_guard guard(lock_);  // keeps the writer
  if (writer_ == nullptr) return;
  out.push_back({internal::wait_target::kind::lock, this, internal::describe_place("shared_mutex", where_), writer_,
                 writer_->id()});
}

void shared_mutex::lock() { (void)lock(deadline::never()); }

bool shared_mutex::lock(deadline limit) {
  return lock_either("lock", waiting_writers_, limit, [this](parker& self) { return take_locked(self); });
}

bool shared_mutex::try_lock() {
  budget_.spend();
  parker& self = internal::current_parker();
  std::lock_guard guard(lock_);
  return take_locked(self);
}

void shared_mutex::unlock() noexcept {
  const parker& self = internal::current_parker();
  lock_.lock();
  if (writer_ != &self) {
    const std::string held = describe_locked();
    lock_.unlock();
    internal::abort_misuse("shared_mutex::unlock", "only the writer may unlock it", held,
                           "Lock and unlock it in the same actor, by a std::unique_lock; a reader calls "
                           "unlock_shared().",
                           where_);
  }
  writer_ = nullptr;
  wait_node* const served = serve_locked(turn::readers);
  lock_.unlock();
  internal::wake_all(served);
}

void shared_mutex::lock_shared() { (void)lock_shared(deadline::never()); }

bool shared_mutex::lock_shared(deadline limit) {
  return lock_either("lock_shared", waiting_readers_, limit, [this](parker&) { return take_shared_locked(); });
}

bool shared_mutex::try_lock_shared() {
  budget_.spend();
  std::lock_guard guard(lock_);
  return take_shared_locked();
}

void shared_mutex::unlock_shared() noexcept {
  lock_.lock();
  if (readers_ == 0) {
    const std::string held = describe_locked();
    lock_.unlock();
    internal::abort_misuse("shared_mutex::unlock_shared", "only a reader may unlock it so", held,
                           "Call it once for each lock_shared(), by a std::shared_lock.", where_);
  }
  --readers_;
  wait_node* const served = readers_ == 0 ? serve_locked(turn::writers) : nullptr;
  lock_.unlock();
  internal::wake_all(served);
}

std::string shared_mutex::describe() {
  std::lock_guard guard(lock_);
  return describe_locked();
}

// The lock keeps the writer from unlocking, and so from ending.
std::string shared_mutex::describe_locked() {
  return internal::describe_place("shared_mutex", where_) +
         (writer_ != nullptr ? " held by " + internal::describe_holder(*writer_)
          : readers_ > 0     ? fmt::format(" held by {} readers", readers_)
                             : " free");
}

}  // namespace weir
