// The inlined switch for x86-64: saves the stack, frame and instruction pointers, and declares every other register
// clobbered, so that the compiler saves just those that live. The ABI has callees preserve the two floating-point
// control words, and a rounding mode set by one actor must not reach another: an actor saves them when it leaves, and
// they are loaded for the next one if that one's are different, which is rare.
//
// Inlined at its two sites, the worker's loop and the park, because a switch inside a called function unbalances the
// return predictor: every `ret` on the way out of a park would be mispredicted, some 10 ns each.
//
// It pushes nothing, so the red zone of the function around it stays whole.
//
// Origin: the idea of switching by an asm statement with clobbers is PhotonLibOS's ("CACS").
#pragma once

#include "weir/runtime/internal/context.h"

namespace weir::internal {

#ifdef __AVX512F__
#define WEIR_AVX512_CLOBBERS                                                                                    \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", \
      "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define WEIR_AVX512_CLOBBERS
#endif

WEIR_ALWAYS_INLINE void switch_stacks(context& from, context& to) noexcept {
  context* save = &from;
  context* load = &to;
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rax, %c[ip](%[save])\n\t"
      "movq %%rsp, %c[sp](%[save])\n\t"
      "movq %%rbp, %c[fp](%[save])\n\t"
      "movq %c[sp](%[load]), %%rsp\n\t"
      "movq %c[fp](%[load]), %%rbp\n\t"
      "jmpq *%c[ip](%[load])\n"
      "1:\n\t"
      : [save] "+D"(save), [load] "+S"(load)
      : [sp] "i"(offsetof(context, stack_pointer)), [fp] "i"(offsetof(context, frame_pointer)),
        [ip] "i"(offsetof(context, instruction))
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",
        "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
        "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "memory", "cc" WEIR_AVX512_CLOBBERS);
}
#undef WEIR_AVX512_CLOBBERS

WEIR_ALWAYS_INLINE void save_control(context& c) noexcept {
  asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(c.sse_control), "=m"(c.x87_control));
}
WEIR_ALWAYS_INLINE void load_control(const context& c) noexcept {
  asm volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(c.sse_control), "m"(c.x87_control));
}
// Status bits of MXCSR aside: the ABI leaves them to everybody.
WEIR_ALWAYS_INLINE bool same_control(const context& a, const context& b) noexcept {
  return (((a.sse_control ^ b.sse_control) & 0xffc0U) | static_cast<unsigned>(a.x87_control ^ b.x87_control)) == 0;
}

// The control words of `native` are those that the thread has: the native stack goes on with what the last actor left.
WEIR_ALWAYS_INLINE void resume(context& native, actor_context& to, const thread_slots& slots) noexcept {
  const exception_state native_exceptions = *slots.exceptions;
  const int native_error = *slots.error;
  *slots.exceptions = to.exceptions;
  *slots.error = to.error;
  if (!same_control(native, to)) [[unlikely]]
    load_control(to);
  switch_stacks(native, to);
  native.sse_control = to.sse_control;
  native.x87_control = to.x87_control;
  to.exceptions = *slots.exceptions;
  to.error = *slots.error;
  *slots.exceptions = native_exceptions;
  *slots.error = native_error;
}

WEIR_ALWAYS_INLINE void leave(actor_context& from, context& native) noexcept {
  save_control(from);
  switch_stacks(from, native);
}

}  // namespace weir::internal
