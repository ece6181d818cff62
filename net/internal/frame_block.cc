#include "weir/net/internal/frame_block.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>

#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::net::internal {
namespace {

#ifdef WEIR_ASAN
constexpr bool keeps = false;
#else
constexpr bool keeps = true;
#endif

constexpr std::size_t step = 16 * 1024, most_steps = 16;
constexpr std::size_t most_octets = std::numeric_limits<std::size_t>::max() / 2;  // nobody has more
// So that what is a power of two, and some octets more, does not take one step more.
constexpr std::size_t slack = 128;

// Of the memory for a block and `size` octets; 0: it is not kept.
std::size_t steps_for(std::size_t size) noexcept {
  const std::size_t all = sizeof(frame_block) + size;
  if (!keeps || all < step || all > most_steps * step + slack) return 0;
  return (all - slack + step - 1) / step;
}
constexpr std::size_t octets_of(std::size_t steps) noexcept { return steps * step + slack; }

struct free_block {
  free_block* next;
};

// Who finds it locked does without.
class shelf {
 public:
  // Null: there is none.
  void* take(std::size_t steps) noexcept {
    if (!lock_.try_lock()) return nullptr;
    free_block* const got = first_[steps];
    if (got != nullptr) {
      first_[steps] = got->next;
      kept_ -= octets_of(steps);
    }
    lock_.unlock();
    return got;
  }

  std::size_t kept() noexcept {
    std::lock_guard guard(lock_);
    return kept_;
  }
  void give(void* memory, std::size_t steps) noexcept {
    free_block* in_the_way = nullptr;
    if (!lock_.try_lock()) return std::free(memory);
    first_[steps] = ::new (memory) free_block{first_[steps]};
    kept_ += octets_of(steps);
    while (kept_ > most_kept) {
      const std::size_t out_of = next_out(steps);
      free_block* const out = first_[out_of];
      first_[out_of] = out->next;
      kept_ -= octets_of(out_of);
      out->next = in_the_way;
      in_the_way = out;
    }
    lock_.unlock();
    while (in_the_way != nullptr) {
      free_block* const next = in_the_way->next;
      std::free(in_the_way);
      in_the_way = next;
    }
  }

 private:
  // Other sizes than that one, in turn, as nobody may want them any more; if there are none, that one.
  std::size_t next_out(std::size_t steps) noexcept {
    for (std::size_t tries = 0; tries < most_steps; ++tries) {
      next_out_ = next_out_ % most_steps + 1;
      if (next_out_ != steps && first_[next_out_] != nullptr) return next_out_;
    }
    return steps;
  }

  weir::internal::small_lock lock_;
  std::array<free_block*, most_steps + 1> first_{};  // by steps
  std::size_t kept_ = 0;                             // octets
  std::size_t next_out_ = 0;                         // steps
};
constinit shelf all;

void destroy_kept(frame_block* b) noexcept { all.give(b, b->steps); }
void destroy_other(frame_block* b) noexcept { std::free(b); }

frame_block* begin_block(void* memory, std::size_t steps) noexcept {
  if (memory == nullptr) return nullptr;
  auto* const b = ::new (memory) frame_block;
  b->steps = static_cast<std::uint8_t>(steps);
  b->destroy = steps == 0 ? destroy_other : destroy_kept;
  return b;
}

}  // namespace

frame_block* new_block(std::size_t size) noexcept {
  if (size > most_octets) return nullptr;
  const std::size_t steps = steps_for(size);
  if (steps == 0) return begin_block(std::malloc(sizeof(frame_block) + size), 0);
  void* const kept = all.take(steps);
  return begin_block(kept != nullptr ? kept : std::malloc(octets_of(steps)), steps);
}

frame_block* grow_block(frame_block* block, std::size_t had, std::size_t size) noexcept {
  if (size > most_octets) return nullptr;
  // The kernel moves pages, not bytes, when memory of this size grows.
  if (block->steps == 0 && steps_for(size) == 0)
    return begin_block(std::realloc(static_cast<void*>(block), sizeof(frame_block) + size), 0);
  frame_block* const larger = new_block(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger->bytes(), block->bytes(), had);
  block->destroy(block);
  return larger;
}

std::size_t kept_octets() noexcept { return all.kept(); }

}  // namespace weir::net::internal
