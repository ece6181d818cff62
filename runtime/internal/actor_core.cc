#include "weir/runtime/internal/actor_core.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/failure_sink.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/overflow.h"
#include "weir/runtime/internal/park_check.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/worker.h"

namespace weir::internal {
namespace {

// How much of an unguarded stack's guard page is looked at: at each park, and at the actor's end.
constexpr std::size_t park_look = 512, last_look = 4096;

}  // namespace

actor_core::actor_core(const actor_spec& spec, void* stack_end)
    : parker(&actor_core::make_runnable, spec.id),
      runtime_(*spec.runtime),
      failures_(spec.runtime->failures()),
      stack_(spec.stack),
      unguarded_(spec.stack->guard == stack_guard::canary),
      where_(spec.where),
      pinned_(spec.pinned),
      scope_(&own_scope_),
      locals_(spec.inherited),
      own_scope_(scope_node::kind::actor, this, spec.where) {
  const std::size_t length = std::min(spec.name.size(), name_.size() - 1);
  std::copy_n(spec.name.data(), length, name_.data());
  char* const bottom = stack_->bottom();
  const auto size = static_cast<std::size_t>(static_cast<char*>(stack_end) - bottom);
#ifdef WEIR_ASAN
  context_.annotation.bottom = bottom;
  context_.annotation.size = size;
#endif
#ifdef WEIR_TSAN
  context_.annotation.fiber = stack_->annotation.tsan_fiber;
#endif
  make_context(context_, bottom, size, &actor_core::entry, this);
  timer_.owner = this;
}

void actor_core::start(scope_node& parent) noexcept {
  own_scope_.attach(parent);
  runtime_.enqueue(*this, scheduler::kind::spawned);
}

void actor_core::entry(void* self_address) {
  auto* const self = static_cast<actor_core*>(self_address);
  try {
    self->invoke();
    self->how_ = exit_kind::value;
  } catch (const cancelled& c) {
    self->how_ = exit_kind::cancelled;
    self->cancelled_by_ = c.scope();
  } catch (...) {
    self->how_ = exit_kind::failed;
    self->error_ = std::current_exception();
  }
  if (self->error_) self->own_scope_.fail_parent(self->error_);
  self->destroy_closure();
  std::exchange(self->locals_, {});
  if (self->error_ && self->life_.fail()) self->failures_.report(*self, self->error_);
  self->check_canary(last_look);
  if (self->life_.alone()) {
    self->destroy_result();
    self->life_.end_alone();
  } else {
    self->release();
  }
  if (self->mark_.foreign()) [[unlikely]]
    abort_forking_actor("park");
  worker& w = *self->worker_;  // of this very turn, as what came before may have parked
  w.after_switch(worker::after::exit);
  leave_forever(self->context_, w.native());
}

void actor_core::finish() noexcept {
  if (!life_.unwatched()) exited_.set();
  runtime_core& runtime = runtime_;
  const bool awaited = runtime.awaits_children_of(*own_scope_.parent());
  if (!awaited) worker_->count_scoped(-1);
  own_scope_.end_child(cancelled_by_);
  if (life_.left_stack()) free();
  if (awaited) runtime.actor_ended();
}

void actor_core::detach() noexcept {
  if (life_.detach()) failures_.report(*this, error_);
}

void actor_core::release() noexcept {
  if (!life_.release()) return;
  destroy_result();
  if (life_.result_is_gone()) free();
}

void actor_core::destroy_result() noexcept {
  destroy_value();
  error_ = nullptr;
}

void actor_core::free() noexcept {
  stack_block* const block = stack_;
  this->~actor_core();
  give_stack(block);
}

void actor_core::check_canary(std::size_t bytes) const noexcept {
  if (unguarded_ && stack_->overrun(bytes)) report_overflow(*this);
}

void give_stack(stack_block* block) noexcept {
  stack_pool& pool = *block->layout->pool;
  // A runtime that ended may have had the address of one that lives. Its pool, which lives, cannot.
  const worker* const w = current_worker_or_null();
  pool.give(block, w != nullptr && &w->runtime().stacks() == &pool ? w->index() : stack_pool::no_cache);
}

void actor_core::make_runnable(parker* self) noexcept {
  auto& a = *static_cast<actor_core*>(self);
  a.runtime_.enqueue(a);
}

void actor_core::stop(const wait_reason& why, deadline limit) {
  if (park_check* const check = check_before_park.load(std::memory_order_relaxed)) check(*this, why, nullptr);
  if (word().notified()) return;  // woken before it could stop: spare the switch
  check_canary(park_look);
  waiting_ = &why;
  const bool timed = !limit.is_never();
  {
    worker& w = *worker_;
    since_ = w.recent_time();
    if (timed) {
      timer_.epoch = word().epoch();
      w.timers().insert(timer_, limit.at());
    }
    w.after_switch(worker::after::park);
    leave(context_, w.native());
  }
  // Perhaps on another worker now.
  if (timed) timer_.heap->remove(timer_);
  waiting_ = nullptr;
}

void actor_core::stop_holding(const wait_reason& why, lock_key held, interruptible i) {
  if (park_check* const check = check_before_park.load(std::memory_order_relaxed)) check(*this, why, &held);
  check_canary(park_look);
  waiting_ = &why;
  worker& w = *worker_;
  since_ = w.recent_time();
  w.after_switch_open(held, i);
  leave(context_, w.native());
  waiting_ = nullptr;
}

void actor_core::yield() noexcept {
  if (park_check* const check = check_before_park.load(std::memory_order_relaxed))
    check(*this, plain_wait("yield"), nullptr);
  check_canary(park_look);
  worker& w = *worker_;
  w.after_switch(worker::after::yield);
  leave(context_, w.native());
}

void actor_core::move_to(worker& other) noexcept {
  worker& w = *worker_;
  w.after_switch_move(other);
  leave(context_, w.native());
}

void actor_core::meet_cancel(const char* verb) {
  if (std::uncaught_exceptions() > 0) return;
  const scope_node* const by = scope_->cancel_of(*this);
  if (by == nullptr) return;
  if (++swallowed_ == 1000)
    fmt::print(
        stderr,
        "weir: actor \"{}\" (#{}, spawned at {}:{}) was cancelled 1000 times and goes on, now in {}: some catch (...) "
        "around it swallows weir::cancelled. Rethrow it there.\n",
        name(), id(), where_.base(), where_.line, verb);
  throw cancelled(by);
}

void actor_core::pass_cancel_on() {
  if (std::uncaught_exceptions() > 0) return;
  if (const scope_node* const by = scope_->cancel_of(*this)) throw cancelled(by);
}

void meet_cancel(const char* verb) { current_actor()->meet_cancel(verb); }

void give_way() noexcept {
  if (actor_core* const a = current_actor()) a->yield();
}

void closed_or_cancelled(const char* verb) {
  if (actor_core* const a = current_actor()) a->meet_cancel(verb);
}

}  // namespace weir::internal
