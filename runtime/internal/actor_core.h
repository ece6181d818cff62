// The control block of an actor. It sits at the top end of the actor's stack and holds all that is not the user's type.
//
// Thread-safety: as grouped below.
//
// How long it lives: actor_life.h.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <string_view>

#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/actor_life.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/context.h"
#include "weir/runtime/internal/event.h"
#include "weir/runtime/internal/forked.h"
#include "weir/runtime/internal/local_values.h"
#include "weir/runtime/internal/parker.h"
#include "weir/runtime/internal/scope_node.h"
#include "weir/runtime/internal/stack.h"
#include "weir/runtime/internal/timer_heap.h"

namespace weir::internal {

class failure_sink;
class runtime_core;
class worker;

enum class exit_kind : std::uint8_t { none, value, failed, cancelled };

// What spawn needs to know to make an actor, but for its closure.
struct actor_spec {
  runtime_core* runtime;
  stack_block* stack;
  std::uint64_t id;
  std::string_view name;
  site where;
  int pinned;
  const local_values& inherited;  // good until the spawner's next park
};

class actor_core : public parker {
 public:
  // `stack_end`: where the stack may begin to grow down from; everything above it is this block and its closure.
  actor_core(const actor_spec& spec, void* stack_end);
  actor_core(const actor_core&) = delete;

  // Hangs a new actor under its scope and makes it runnable. REQUIRES: the runtime has admitted it.
  void start(scope_node& parent) noexcept;

  std::string_view name() const noexcept { return name_.data(); }
  site where() const noexcept { return where_; }
  int pinned() const noexcept { return pinned_; }
  const stack_block* stack() const noexcept { return stack_; }
  runtime_core& runtime() const noexcept { return runtime_; }
  // It was made before fork(), by a parent of this process.
  bool forked() const noexcept { return mark_.foreign(); }

  // The running actor only.
  scope_node& scope() const noexcept { return *scope_; }
  void enter_scope(scope_node& s) noexcept { scope_ = &s; }
  local_values& locals() noexcept { return locals_; }
  void yield() noexcept;
  void move_to(worker& other) noexcept;
  // Throws cancelled if a scope around the actor is cancelled. While it unwinds, and in its own shield, this returns,
  // and the caller acts as if its peer were gone.
  void meet_cancel(const char* verb);
  // The same for a scope that has ended, which throws on what ended its body or an actor, and was counted there.
  void pass_cancel_on();
  // A scope has absorbed the cancel that unwound its body.
  void absorbed_cancel() noexcept { swallowed_ = 0; }

  // Anyone with a reference.
  void cancel() noexcept { own_scope_.cancel(); }
  event& exited() noexcept { return exited_; }
  void detach() noexcept;
  void retain() noexcept { life_.retain(); }
  void release() noexcept;  // a user's
  failure_sink& failures() const noexcept { return failures_; }

  // After exited(): the end is immutable.
  exit_kind how() const noexcept { return how_; }
  const std::exception_ptr& error() const noexcept { return error_; }

  // The worker that holds the actor, on its native stack.
  actor_context& context() noexcept { return context_; }
  void run_by(worker& w) noexcept { worker_ = &w; }
  // Whoever makes it runnable: the worker that ran it last, or null. What it wrote is seen with the park that it
  // claims.
  worker* ran_by() const noexcept { return worker_; }
  void finish() noexcept;

  // A dump that holds the actor parked (wait_word.h).
  const wait_reason* waiting() const noexcept { return waiting_; }
  time_point since() const noexcept { return since_; }

  actor_core* queue_next = nullptr;  // in a run queue; guarded by its lock

 protected:
  virtual ~actor_core() = default;
  virtual void invoke() = 0;           // runs the closure and keeps its result
  virtual void destroy_closure() = 0;  // on the actor's own stack, before the exit is published
  virtual void destroy_value() = 0;    // the result, if there is one

 private:
  static void entry(void* self);
  static void make_runnable(parker* self) noexcept;
  void destroy_result() noexcept;
  void free() noexcept;
  void check_canary(std::size_t bytes) const noexcept;
  void stop(const wait_reason& why, deadline limit) override;
  void stop_holding(const wait_reason& why, lock_key held, interruptible i) override;

  // Immutable after construction.
  runtime_core& runtime_;
  failure_sink& failures_;  // lives as long as the stack pool, so longer than the runtime
  stack_block* const stack_;
  const bool unguarded_;
  const site where_;
  const int pinned_;
  const process_mark mark_;
  std::array<char, 40> name_{};

  // The running actor's; the worker's while it is switched out.
  actor_context context_;
  scope_node* scope_;
  worker* worker_ = nullptr;  // the one that runs it, or ran it last
  local_values locals_;
  const wait_reason* waiting_ = nullptr;
  time_point since_{};
  timer_node timer_;
  unsigned swallowed_ = 0;  // cancels thrown since the last scope that absorbed one
  exit_kind how_ = exit_kind::none;
  const scope_node* cancelled_by_ = nullptr;
  std::exception_ptr error_;

  scope_node own_scope_;
  event exited_;
  actor_life life_;
};

// Gives a stack back that no actor lives on any more. From any thread.
void give_stack(stack_block* block) noexcept;

// The running actor; null on a plain thread and on a worker's native stack.
actor_core* current_actor() noexcept;
// In a child, on the one thread it came with: the actor that called fork(), which is none any more. Null elsewhere.
const actor_core* forking_actor() noexcept;
// Throws misuse, or aborts with its text, if the calling thread is such a one.
void refuse_forking_actor(const char* call, site where);
void abort_forking_actor(const char* call) noexcept;

}  // namespace weir::internal
