#include "weir/net/internal/frame_block.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "tests/testing.h"
#include "weir/runtime/internal/sanitizer.h"

using namespace weir::net::internal;

namespace {

constexpr std::size_t KiB = 1024;

std::vector<frame_block*> blocks(std::size_t n, std::size_t size) {
  std::vector<frame_block*> all(n);
  for (frame_block*& b : all) {
    b = new_block(size);
    REQUIRE(b != nullptr);
    std::memset(b->bytes(), 'x', size);
  }
  return all;
}
// By its own count: what a few octets too little would do, an allocator may hide.
bool has_room_for(const frame_block* b, std::size_t size) {
  return b->steps == 0 || b->steps * 16 * KiB + 128 >= sizeof(frame_block) + size;
}

void release(const std::vector<frame_block*>& all) {
  for (frame_block* b : all) b->release();
}

}  // namespace

TEST_CASE("a block has room for all of its size, whatever that is, and what grows keeps its bytes") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, 16 * KiB - 16, 16 * KiB - 15, 16 * KiB, 16 * KiB + 112,
                                 16 * KiB + 113, 64 * KiB, 64 * KiB + 71, 256 * KiB, 256 * KiB + 113, 1024 * KiB}) {
    frame_block* b = new_block(size);
    REQUIRE(b != nullptr);
    CHECK(has_room_for(b, size));
    std::memset(b->bytes(), 'a', size);
    const std::size_t more = size * 2 + 100;
    b = grow_block(b, size, more);
    REQUIRE(b != nullptr);
    CHECK(has_room_for(b, more));
    std::memset(b->bytes() + size, 'b', more - size);
    std::size_t same = 0;
    for (std::size_t i = 0; i < more; ++i) same += b->bytes()[i] == std::byte(i < size ? 'a' : 'b');
    CHECK(same == more);
    b->release();
  }
  CHECK(new_block(std::numeric_limits<std::size_t>::max()) == nullptr);
}

#if !defined(WEIR_ASAN)  // which gets each from the general allocator
TEST_CASE("a block that is given back is the next one of its size") {
  for (const std::size_t size : {16 * KiB, 64 * KiB, 64 * KiB + 71, 256 * KiB}) {
    frame_block* const first = new_block(size);
    first->sliced = true;
    first->release();
    frame_block* const second = new_block(size);
    CHECK(second == first);
    CHECK_FALSE(second->sliced);
    CHECK(second->references == 1);
    second->release();
  }
}

TEST_CASE("what is kept has a bound, and sizes that nobody wants any more make room for others") {
  release(blocks(2 * most_kept / (64 * KiB), 64 * KiB));
  CHECK(kept_octets() <= most_kept);
  CHECK(kept_octets() > most_kept / 2);
  // As many as there is room for: if those of 64 KiB kept their place, hardly any would be.
  const std::size_t many = most_kept / (32 * KiB) - 4;
  std::vector<frame_block*> others = blocks(many, 32 * KiB);
  for (int round = 0; round < 4; ++round) {
    release(others);
    CHECK(kept_octets() <= most_kept);
    others = blocks(many, 32 * KiB);
  }
  CHECK(kept_octets() < most_kept / 4);  // all that were kept, but those 4, were of 32 KiB, and are in use again
  release(others);
}
#endif

TEST_CASE("blocks of less than 16 KiB, and of more than 256 KiB, are the general allocator's") {
  release(blocks(1, 64 * KiB));
  const std::size_t before = kept_octets();
  release(blocks(100, 8 * KiB));
  release(blocks(4, 257 * KiB));
  CHECK(kept_octets() == before);
}

TEST_CASE("no two have the same memory at a time, whatever threads take and give blocks") {
  constexpr int threads = 4;
  const int rounds = testing::rounds(2000);
  std::atomic<frame_block*> passed[threads]{};  // exchange: acquire and release, of what stands in the block
  std::vector<std::atomic<bool>> taken_out(static_cast<std::size_t>(threads * rounds));
  std::atomic<int> wrong{0};
  // Its number stands at both ends.
  struct marked {
    frame_block* block = nullptr;
    std::size_t size = 0;
    std::uint64_t number = 0;

    void write() const {
      std::memcpy(block->bytes(), &number, 8);
      std::memcpy(block->bytes() + 8, &size, 8);
      std::memcpy(block->bytes() + size - 8, &number, 8);
    }
    static marked read(frame_block* b) {
      marked m{b};
      std::memcpy(&m.number, b->bytes(), 8);
      std::memcpy(&m.size, b->bytes() + 8, 8);
      return m;
    }
    bool holds() const {
      std::uint64_t first, last;
      std::memcpy(&first, block->bytes(), 8);
      std::memcpy(&last, block->bytes() + size - 8, 8);
      return first == number && last == number;
    }
  };
  std::vector<std::thread> all;
  for (int mine = 0; mine < threads; ++mine)
    all.emplace_back([&, mine] {
      std::mt19937 random(static_cast<unsigned>(mine));
      marked kept;  // for a turn: nobody else may have it meanwhile
      for (int round = 0; round < rounds; ++round) {
        const std::size_t size = (random() % 5 + 1) * 16 * KiB;
        const marked next{new_block(size), size, static_cast<std::uint64_t>(mine * rounds + round)};
        next.write();
        const marked before = std::exchange(kept, next);
        if (before.block == nullptr) continue;
        if (!before.holds()) ++wrong;
        frame_block* const other = passed[random() % threads].exchange(before.block, std::memory_order_acq_rel);
        if (other == nullptr) continue;
        const marked m = marked::read(other);
        if (!m.holds() || taken_out[m.number].exchange(true)) ++wrong;
        other->release();
      }
      kept.block->release();
    });
  for (std::thread& t : all) t.join();
  for (std::atomic<frame_block*>& p : passed)
    if (frame_block* const b = p.load(std::memory_order_acquire)) b->release();
  CHECK(wrong == 0);
}
