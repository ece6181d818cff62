// From a closure to an actor: the part of spawn that depends on the closure's type, and the checks that do not.
//
// Memory: one stack block; the control block, the closure and the result lie at its top end. Nothing else is allocated.
#pragma once

#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/runtime/base/site.h"
#include "weir/runtime/base/spawn_options.h"
#include "weir/runtime/internal/actor_core.h"

namespace weir::internal {

// What an actor leaves behind. A reference result is kept as a value.
template <class T>
class actor_result : public actor_core {
 public:
  using actor_core::actor_core;
  std::optional<T> value;  // set before exited(), moved out by the one join that wins `taken`
  std::atomic<bool> taken{false};
};
template <>
class actor_result<void> : public actor_core {
 public:
  using actor_core::actor_core;
};

template <class F>
using actor_value_t = std::remove_cvref_t<std::invoke_result_t<std::decay_t<F>&>>;

template <class F>
class actor_state final : public actor_result<actor_value_t<F>> {
  using value_type = actor_value_t<F>;

 public:
  template <class G>
  actor_state(const actor_spec& spec, void* stack_end, G&& f)
      : actor_result<value_type>(spec, stack_end), closure_(std::in_place, std::forward<G>(f)) {}

 private:
  void invoke() override {
    if constexpr (std::is_void_v<value_type>)
      std::invoke(*closure_);
    else
      this->value.emplace(std::invoke(*closure_));
  }
  void destroy_closure() override { closure_.reset(); }
  void destroy_value() override {
    if constexpr (!std::is_void_v<value_type>) this->value.reset();
  }

  std::optional<std::decay_t<F>> closure_;
};

// How many starts, a cache line apart, the control block of an actor may have. If all began at the same place in their
// page, they would share a few sets of the caches. `block` and the first frames are to stay in one page, of 4 KiB.
constexpr std::size_t colours(std::size_t block) noexcept {
  constexpr std::size_t page = 4096, first_frames = 1280;
  return block + first_frames + 64 < page ? (page - block - first_frames) / 64 : 1;
}

// Checks the options, has the runtime admit an actor, and takes a stack. `block` is the size of control block and
// closure. Throws misuse or no_memory.
actor_spec prepare_actor(runtime_core& r, scope_node& parent, std::string_view name, const spawn_options& options,
                         std::size_t block, site where);
// Undoes that.
void drop_actor(const actor_spec& spec, scope_node& parent) noexcept;
// The runtime of the calling actor. Throws misuse on a plain thread.
runtime_core& runtime_for_spawn(site where);
scope_node& root_of(runtime_core& r) noexcept;

// The new actor, runnable, with one reference for the caller. If the closure's constructor throws, nothing has
// happened.
template <class F>
actor_state<F>* make_actor(runtime_core& r, scope_node& parent, std::string_view name, F&& f,
                           const spawn_options& options, site where) {
  static_assert(std::is_invocable_v<std::decay_t<F>&>,
                "weir: an actor's function takes no argument: capture what it needs");
  using state = actor_state<F>;
  const actor_spec spec = prepare_actor(r, parent, name, options, sizeof(state), where);
  stack_block* const stack = spec.stack;
  constexpr std::size_t alignment = alignof(state) > 64 ? alignof(state) : 64;
  const auto top = reinterpret_cast<std::uintptr_t>(stack->top()) - stack->index % colours(sizeof(state)) * 64;
  void* const place = reinterpret_cast<void*>((top - sizeof(state)) & ~(alignment - 1));
  state* a = nullptr;
  try {
    a = ::new (place) state(spec, place, std::forward<F>(f));
  } catch (...) {
    drop_actor(spec, parent);
    throw;
  }
  a->start(parent);
  return a;
}

}  // namespace weir::internal
