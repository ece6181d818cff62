#include "weir/runtime/internal/watched.h"

#include <pthread.h>

#include <array>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "weir/runtime/internal/forked.h"

namespace weir::internal {
namespace {

constexpr std::uint32_t chunk_bits = 8, chunk_size = 1 << chunk_bits;
constexpr std::uint32_t most_chunks = 1 << 14;  // four million descriptors

// One per process, never destroyed.
struct watched_pool {
  small_lock lock;
  watched* free = nullptr;  // guarded by lock, as is:
  std::uint32_t chunks_made = 0;
  // Each written once, under lock; release pairs with find(), though the token has come through the kernel.
  std::array<std::atomic<watched*>, most_chunks> chunks{};

  watched_pool() {
    pthread_atfork([] { watched_pool::get().lock.lock(); }, [] { watched_pool::get().lock.unlock(); },
                   [] { watched_pool::get().lock.unlock(); });
  }

  static watched_pool& get() {
    static auto* const pool = new watched_pool;
    return *pool;
  }

  watched& find(std::uint32_t number) noexcept {
    return chunks[number >> chunk_bits].load(std::memory_order_acquire)[number & (chunk_size - 1)];
  }

  watched* pop() noexcept {
    std::lock_guard guard(lock);
    watched* const w = free;
    if (w != nullptr) free = w->next_free;
    return w;
  }
  void push(watched& w) noexcept {
    std::lock_guard guard(lock);
    w.next_free = free;
    free = &w;
  }
  // A new one; the rest of its chunk becomes free.
  watched& grow() {
    std::unique_ptr<watched[]> chunk(new watched[chunk_size]);
    std::lock_guard guard(lock);
    if (chunks_made == most_chunks) throw std::bad_alloc();
    const std::uint32_t first = chunks_made << chunk_bits;
    for (std::uint32_t i = chunk_size; i-- > 0;) {
      chunk[i].number = first + i;
      if (i == 0) break;
      chunk[i].next_free = free;
      free = &chunk[i];
    }
    watched* const made = chunk.release();
    chunks[chunks_made++].store(made, std::memory_order_release);
    return *made;
  }
};

constexpr unsigned number_shift = 33;
constexpr readiness_token one_shot_bit = readiness_token{1} << 32;
constexpr std::uint32_t all_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

}  // namespace

watched& acquire_watched(bool ready) {
  watched_pool& pool = watched_pool::get();
  watched* w = pool.pop();
  if (w == nullptr) w = &pool.grow();
  w->state.open(ready);
  return *w;
}

void release_watched(watched& w) noexcept {
  w.state.retire();
  w.fd = -1;
  watched_pool::get().push(w);
}

readiness_token token_of(watched& w, bool one_shot) noexcept {
  // One more than the number, so that it is none of the owner's.
  return readiness_token{w.number + 1} << number_shift | (one_shot ? one_shot_bit : 0) | w.state.generation();
}

watched_token from_token(readiness_token token) noexcept {
  const auto number = static_cast<std::uint32_t>(token >> number_shift) - 1;
  return {watched_pool::get().find(number), static_cast<std::uint32_t>(token), (token & one_shot_bit) != 0};
}

void ensure_joined(watched& w) {
  // Acquire pairs with the store below and in forget_set(). What is stale is found out under the lock.
  if (w.joined_in.load(std::memory_order_acquire) == forks + 1) return;
  std::shared_ptr<readiness_set> set, before;
  try {
    set = current_readiness();
  } catch (...) {
    w.state.stir();  // nobody would tell of an event: the next call tries
    throw;
  }
  {
    std::lock_guard guard(w.join_lock);
    if (w.joining) return;  // by the other direction, which wakes us if it fails
    if (w.joined_in.load(std::memory_order_relaxed) == forks + 1) return;
    w.joining = true;
    before = std::exchange(w.set, set);
  }
  const int error = set->join(w.fd, all_events, token_of(w, false));
  {
    std::lock_guard guard(w.join_lock);
    w.joining = false;
    w.joined_in.store(error == 0 ? forks + 1 : 0, std::memory_order_release);
    if (error != 0) before.swap(w.set);
  }
  if (error == 0) return;
  w.state.stir();
  throw std::system_error(error, std::generic_category(), "epoll_ctl");
}

void leave_set(watched& w) noexcept {
  std::shared_ptr<readiness_set> set;
  {
    std::lock_guard guard(w.join_lock);
    w.joined_in.store(0, std::memory_order_relaxed);  // nobody looks any more
    set.swap(w.set);
  }
  if (set != nullptr) set->leave(w.fd, token_of(w, false));
}

void forget_set(watched_token t, const readiness_set& set) noexcept {
  std::shared_ptr<readiness_set> dropped;
  {
    std::lock_guard guard(t.of.join_lock);
    if (t.of.set.get() != &set) return;  // left it already
    t.of.joined_in.store(0, std::memory_order_release);
    dropped.swap(t.of.set);
  }
  t.of.state.fire(t.generation, can_read | can_write);  // who waits joins another one
}

}  // namespace weir::internal
