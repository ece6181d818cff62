// The parker of a plain OS thread: it sleeps on its park word as a futex. And current_parker(), which picks.
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/futex.h"
#include "weir/runtime/internal/worker.h"

namespace weir::internal {
namespace {

class thread_parker final : public parker {
 public:
  thread_parker() noexcept : parker(&thread_parker::resume) {}

 private:
  // The thread may have gone on, and even ended, since the waker's transition: only the address is used.
  static void resume(parker* self) noexcept { futex_wake_all(&self->word()); }

  void stop(const wait_reason&, deadline limit) override {
    if (word().commit() == commit_result::parked) {
      auto sleeping = [this] { return word().peek() == park_state::parked || word().peek() == park_state::inspected; };
      while (sleeping()) {
        if (!limit.is_never() && limit.expired()) {
          // Lost: the winner's wake is on its way.
          if (claim().try_claim(claim().epoch(), wake_cause::timeout) == claim_result::won) break;
          limit = {};
        }
        futex_wait(&word(), static_cast<std::uint32_t>(park_state::parked), limit.at());
      }
    }
    // Acquire pairs with the winner's notify().
    (void)word().notified();
    word().run();
  }
};

// Apart from current_parker(), which would pay for its frame.
__attribute__((noinline)) parker& parker_of_thread(const worker* w) {
  if (w != nullptr)
    abort_misuse("park", "a callback on a worker's native stack must not wait", "", "Spawn an actor that does.", {});
  thread_local thread_parker mine;
  return mine;
}

}  // namespace

__attribute__((noinline)) parker& current_parker() {
  asm volatile("" ::: "memory");  // see current_worker_or_null()
  const worker* const w = this_thread_worker;
  if (w != nullptr)
    if (actor_core* const a = w->running()) return *a;
  return parker_of_thread(w);
}

}  // namespace weir::internal
