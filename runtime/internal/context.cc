#include "weir/runtime/internal/context.h"

#include <cxxabi.h>

#ifndef WEIR_INLINE_SWITCH
#include <boost/context/detail/fcontext.hpp>
#endif
#include <cstdlib>

namespace weir::internal {
thread_slots::thread_slots() noexcept
    : exceptions(reinterpret_cast<exception_state*>(abi::__cxa_get_globals())), error(&errno) {}

#ifdef WEIR_INLINE_SWITCH

// The first switch to a context lands here, with the context in the frame pointer's place.
extern "C" void weir_context_begin(actor_context* self) {
  self->entry(self->argument);
  std::abort();  // entry ends in leave_forever()
}
asm(R"(
  .text
  .type weir_context_start, @function
weir_context_start:
  .cfi_startproc
  .cfi_undefined rip
  movq %rbp, %rdi
  xorl %ebp, %ebp
  call weir_context_begin
  ud2
  .cfi_endproc
  .size weir_context_start, . - weir_context_start
)");
extern "C" void weir_context_start();

void make_context(actor_context& c, void* bottom, std::size_t size, void (*entry)(void*), void* argument) {
  c.entry = entry;
  c.argument = argument;
  const auto top = reinterpret_cast<std::uintptr_t>(bottom) + size;
  c.stack_pointer = reinterpret_cast<void*>(top & ~std::uintptr_t{15});
  c.frame_pointer = &c;
  c.instruction = reinterpret_cast<void*>(&weir_context_start);
  // A new actor begins with the control words of whoever makes it.
  save_control(c);
}

void leave_forever(actor_context& from, context& native) noexcept {
  leave(from, native);
  std::abort();
}

#else

namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

// What the native side sends along; lives on its stack during the jump.
struct visit {
  context* native;
  actor_context* actor;
};

void start(transfer_t arrival) {
  const visit* v = static_cast<visit*>(arrival.data);
  v->native->saved = arrival.fctx;
  actor_context* const self = v->actor;
  self->annotation.arrive();
  self->entry(self->argument);
  std::abort();  // entry ends in leave_forever()
}

}  // namespace

void make_context(actor_context& c, void* bottom, std::size_t size, void (*entry)(void*), void* argument) {
  c.entry = entry;
  c.argument = argument;
  c.saved = make_fcontext(static_cast<char*>(bottom) + size, size, start);
}

void resume(context& native, actor_context& to, const thread_slots& slots) noexcept {
  const exception_state native_exceptions = *slots.exceptions;
  const int native_error = *slots.error;
  *slots.exceptions = to.exceptions;
  *slots.error = to.error;

  visit v{&native, &to};
  native.annotation.leave(to.annotation, false);
  const transfer_t back = jump_fcontext(to.saved, &v);
  native.annotation.arrive();
  static_cast<context*>(back.data)->saved = back.fctx;

  to.exceptions = *slots.exceptions;
  to.error = *slots.error;
  *slots.exceptions = native_exceptions;
  *slots.error = native_error;
}

void leave(actor_context& from, context& native) noexcept {
  from.annotation.leave(native.annotation, false);
  const transfer_t arrival = jump_fcontext(native.saved, static_cast<context*>(&from));
  from.annotation.arrive();
  const visit* v = static_cast<visit*>(arrival.data);
  v->native->saved = arrival.fctx;
}

void leave_forever(actor_context& from, context& native) noexcept {
  from.annotation.leave(native.annotation, true);
  jump_fcontext(native.saved, static_cast<context*>(&from));
  std::abort();
}

#endif

}  // namespace weir::internal
