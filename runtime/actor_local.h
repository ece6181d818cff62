// actor_local<T>: a variable of which each actor has its own value, and children inherit their parent's.
//
// Thread-safety: all of it: each actor or plain thread sees its own value. The values themselves are shared with the
// children, and are read by several at once: so they are const.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "weir/runtime/internal/local_values.h"

namespace weir {

// `weir::actor_local<std::string> request;` at namespace scope, or wherever it outlives its users. An actor begins with
// the values that its parent, the actor or thread that spawned it, had at that moment; what either sets afterwards the
// other does not see. A value is destroyed by the last actor that has it, on that actor's stack: its destructor may
// park.
//
// Spawning costs no more for it than counting a reference, and nothing as long as none is set.
template <class T>
class actor_local {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "weir::actor_local<T>: T must be a plain object type");

 public:
  // What get() gives where nothing was set.
  actor_local() = default;
  explicit actor_local(T initial) : initial_(std::move(initial)) {}
  actor_local(const actor_local&) = delete;
  actor_local& operator=(const actor_local&) = delete;

  // The reference is good until this actor sets another value.
  const T& get() const noexcept {
    const void* const found = internal::current_locals().find(key_);
    return found ? *static_cast<const T*>(found) : initial_;
  }
  const T& operator*() const noexcept { return get(); }
  const T* operator->() const noexcept { return &get(); }

  // Allocates: the value, and a table of all values that are set. Throws std::bad_alloc; then nothing has changed.
  void set(T value) {
    auto made = std::make_shared<const T>(std::move(value));
    internal::local_values next = internal::current_locals().with(key_, std::move(made));
    std::swap(internal::current_locals(), next);
  }

 private:
  const internal::local_values::key key_ = internal::next_local_key();
  const T initial_{};
};

}  // namespace weir
