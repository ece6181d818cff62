#include "weir/runtime/internal/stack_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing.h"
#include "weir/runtime/internal/advice.h"

using namespace weir::internal;

namespace {

// Whether the byte can be read, found out without a fault.
bool readable(const char* at) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const bool yes = write(ends[1], at, 1) == 1;
  close(ends[0]), close(ends[1]);
  return yes;
}

[[maybe_unused]] std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

// In KiB; "VmSize:" and so on.
[[maybe_unused]] std::size_t of_process(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::size_t value = 0; word == key && status >> value) return value;
  return 0;
}
// Memory of the process's own, swapped out or not: pages of files come and go as the machine has room. In KiB; the
// kernel counts on each core for itself, and adds up what is `rounded` at most.
[[maybe_unused]] std::size_t own_memory() { return of_process("RssAnon:") + of_process("VmSwap:"); }
[[maybe_unused]] constexpr std::size_t rounded = 2'000;

// As a small actor does.
void touch(stack_block* block) { block->top()[-8] = 1; }

}  // namespace

TEST_CASE("a stack given back is the next one taken: hot ones are reused first") {
  auto* pool = new stack_pool(1);
  for (const int cache : {stack_pool::no_cache, 0}) {
    stack_block* a = pool->take(stack_size::usual, cache);
    stack_block* b = pool->take(stack_size::usual, cache);
    CHECK(a != b);
    pool->give(a, cache);
    pool->give(b, cache);
    CHECK(pool->take(stack_size::usual, cache) == b);
    CHECK(pool->take(stack_size::usual, cache) == a);
    pool->give(a, cache);
    pool->give(b, cache);
  }
  pool->retire();
}

TEST_CASE("hot stacks are reused first beyond a worker's own cache too") {
  auto* pool = new stack_pool(2);
  const std::size_t many = 10 * stack_chain::full;
  std::vector<stack_block*> blocks;
  for (std::size_t i = 0; i < many; ++i) blocks.push_back(pool->take(stack_size::least, 0));
  for (stack_block* b : blocks) touch(b);
  for (stack_block* b : blocks) pool->give(b, 0);
  std::size_t hot = 0;
  for (std::size_t i = 0; i < many; ++i) {
    blocks[i] = pool->take(stack_size::least, 1);  // another worker
    hot += blocks[i]->high_water() != 0;
  }
  CHECK(hot >= many - 2 * stack_chain::full);  // two chains stay with the first
  for (stack_block* b : blocks) pool->give(b, stack_pool::no_cache);
  pool->retire();
}

TEST_CASE("a stack has at least the size that was asked for, of few classes") {
  STATIC_REQUIRE(stack_size::class_of(stack_size::least) == 0);
  STATIC_REQUIRE(stack_size::class_of(stack_size::least + 1) == 1);
  STATIC_REQUIRE(stack_size::class_of(stack_size::usual) == 2);
  STATIC_REQUIRE(stack_size::class_of(stack_size::usual + 1) == 3);
  STATIC_REQUIRE(stack_classes == 7);
  auto* pool = new stack_pool;
  for (std::size_t size = stack_size::least; size <= (std::size_t{1} << 20); size += 20'000) {
    stack_block* const b = pool->take(size);
    CHECK(b->usable() >= size * stack_scale);
    CHECK(b->usable() < 4 * (size + 4096) * stack_scale);
    CHECK(b->top() - b->bottom() == static_cast<long>(b->usable()));
    pool->give(b);
  }
  pool->retire();
}

TEST_CASE("the last stack to come back frees the pool, from whichever thread") {
  auto* pool = new stack_pool(1);  // a leak or a double free would show under ASan
  stack_block* a = pool->take(stack_size::usual, 0);
  stack_block* b = pool->take(stack_size::least);
  pool->give(pool->take(stack_size::usual, 0), 0);
  pool->retire();
  touch(a), touch(b);  // still theirs
  std::thread([&] { pool->give(a); }).join();
  pool->give(b);
}

TEST_CASE("each rung of the guard ladder stops an overflow or is counted") {
  const std::size_t page = page_size();
  for (const stack_guard rung : {stack_guard::madvise, stack_guard::mprotect, stack_guard::canary}) {
    auto* pool = new stack_pool(0, rung);
    stack_block* const b = pool->take(stack_size::least);
    INFO("rung " << static_cast<int>(rung) << ", got " << static_cast<int>(b->guard));
    if (rung != stack_guard::madvise) CHECK(b->guard == rung);  // that one is for the kernel to decide
    CHECK(readable(b->bottom()));
    CHECK(readable(b->top() - 1));
    const bool guarded = b->guard != stack_guard::canary;
    CHECK(readable(b->guard_page()) == !guarded);
    CHECK(readable(b->bottom() - 1) == !guarded);
    CHECK((pool->unguarded() == 0) == guarded);
    if (!guarded) {
      CHECK_FALSE(b->overrun(page));
      b->bottom()[-700] = 1;
      CHECK(b->overrun(page));
      CHECK_FALSE(b->overrun(512));  // a quick look sees the nearest bytes
      b->bottom()[-1] = 1;
      CHECK(b->overrun(512));
    }
    pool->give(b);
    pool->retire();
  }
}

TEST_CASE("a guard is there after reuse and after its stack gave its memory back; an overrun canary is clean again") {
  for (const stack_guard rung : {stack_guard::madvise, stack_guard::mprotect, stack_guard::canary}) {
    auto* pool = new stack_pool(0, rung);
    stack_block* b = pool->take(stack_size::least);
    touch(b);
    pool->give(b);
    REQUIRE(pool->take(stack_size::least) == b);
    const bool guarded = b->guard != stack_guard::canary;
    CHECK(readable(b->bottom() - 1) == !guarded);
    CHECK(b->high_water() == page_size());
    if (!guarded) b->bottom()[-1] = 1;
    stack_chain chain;
    chain.push(b);
    discard(chain);
    CHECK(b->high_water() == 0);
    CHECK(readable(b->bottom() - 1) == !guarded);
    if (!guarded) CHECK_FALSE(b->overrun(page_size()));
    pool->give(b);
    pool->retire();
  }
}

TEST_CASE("the high-water mark is the lowest page in use") {
  auto* pool = new stack_pool;
  stack_block* const b = pool->take(std::size_t{4} << 20);  // more pages than one look takes
  CHECK(b->high_water() == 0);
  touch(b);
  CHECK(b->high_water() == page_size());
  b->top()[-3'000'000] = 1;
  CHECK(b->high_water() >= 3'000'000);
  CHECK(b->high_water() < 3'000'000 + page_size());
  b->bottom()[0] = 1;
  CHECK(b->high_water() == b->usable());
  pool->give(b);
  pool->retire();
}

TEST_CASE("workers and plain threads may exchange stacks as they like") {
  auto* pool = new stack_pool(2);
  // Each gives what another took: the box holds one block per place.
  std::array<std::atomic<stack_block*>, 300> box{};
  const int laps = testing::rounds(200);
  const auto work = [&](int cache) {
    for (int lap = 0; lap < laps; ++lap)
      for (auto& place : box) {
        stack_block* const mine = pool->take(stack_size::least, cache);
        touch(mine);
        if (stack_block* const other = place.exchange(mine)) pool->give(other, cache);
      }
  };
  std::thread plain([&] { work(stack_pool::no_cache); });
  std::thread second([&] { work(1); });
  work(0);
  second.join();
  plain.join();
  pool->retire();
  for (auto& place : box)
    if (stack_block* const last = place.exchange(nullptr)) pool->give(last);
}

TEST_CASE("advice stops at the first range that cannot have it") {
  const std::size_t page = page_size();
  char* const base =
      static_cast<char*>(mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(base != MAP_FAILED);
  for (int i = 0; i < 4; ++i) base[i * page] = 1;
  munmap(base + 2 * page, page);
  const std::array<iovec, 4> ranges{
      {{base, page}, {base + page, page}, {base + 2 * page, page}, {base + 3 * page, page}}};
  CHECK(advise(ranges, MADV_DONTNEED) == 2);
  CHECK(base[0] == 0);
  CHECK(base[page] == 0);
  CHECK(base[3 * page] == 1);
  CHECK(advise(std::span(ranges).subspan(3), MADV_DONTNEED) == 1);
  CHECK(base[3 * page] == 0);
  munmap(base, 4 * page);
}

#if !defined(WEIR_ASAN) && !defined(WEIR_TSAN)  // they add mappings and memory of their own
TEST_CASE(
    "free stacks beyond a limit that nobody needs for a while give their memory and at last their addresses back") {
  constexpr std::size_t kept = stack_pool::kept_hot(0), many = 4 * kept;
  auto* pool = new stack_pool(1);
  std::vector<stack_block*> blocks(many);
  const std::size_t size = of_process("VmSize:"), before = own_memory();
  for (stack_block*& b : blocks) touch(b = pool->take(stack_size::least, 0));
  CHECK(own_memory() + rounded >= before + many * 4);
  time_point time{};
  const auto trim_all = [&] {
    while (pool->trim(time) == time) {
    }
  };
  trim_all();  // a period begins, in which all of them are out
  for (stack_block* b : blocks) pool->give(b, 0);
  time += stack_pool::trim_period / 2;
  CHECK(pool->trim(time) != time_point::max());
  CHECK(own_memory() + rounded >= before + many * 4);
  // Taken and given within each period: half of them are needed.
  for (int period = 0; period < 3; ++period) {
    for (std::size_t i = 0; i < many / 2; ++i) blocks[i] = pool->take(stack_size::least, 0);
    for (std::size_t i = 0; i < many / 2; ++i) pool->give(blocks[i], 0);
    time += stack_pool::trim_period;
    trim_all();
  }
  CHECK(own_memory() <= before + many / 2 * 4 + 8'000);
  CHECK(own_memory() + rounded >= before + many / 2 * 4);
  time += stack_pool::trim_period;
  trim_all();
  time += stack_pool::trim_period;
  trim_all();
  CHECK(pool->trim(time) == time_point::max());
  CHECK(own_memory() <= before + kept * 4 + 8'000);
  CHECK(of_process("VmSize:") <= size + many * 20 / 2 + 10'000);  // of `many` times 20 KiB: all arenas but the last
  // And the pool goes on.
  for (stack_block*& b : blocks) touch(b = pool->take(stack_size::least, 0));
  for (stack_block* b : blocks) pool->give(b, 0);
  pool->retire();
  CHECK(own_memory() < before + 8'000);
}

TEST_CASE("a pool whose runtime has ended keeps the stacks that are out and little else") {
  auto* pool = new stack_pool(1);
  std::vector<stack_block*> blocks(8'000);
  for (stack_block*& b : blocks) touch(b = pool->take(stack_size::least, 0));
  stack_block* const kept = blocks.back();
  blocks.pop_back();
  for (stack_block* b : blocks) pool->give(b, 0);
  const std::size_t before = own_memory();
  pool->retire();
  CHECK(before - own_memory() + rounded >= 7'000 * 4);
  CHECK(kept->high_water() == page_size());
  pool->give(kept);
}

TEST_CASE("with mprotect a quarter of the process's mappings become guards and further stacks are counted unguarded") {
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  REQUIRE(limit > 0);
  if (limit > 1'000'000) {
    WARN("vm.max_map_count is " << limit << ": too many for this test");
    return;
  }
  for (int lap = 0; lap < 2; ++lap) {  // the first pool gives its share back
    auto* pool = new stack_pool(0, stack_guard::mprotect);
    std::vector<stack_block*> blocks;
    for (std::size_t i = 0; i < limit / 4; ++i) {
      blocks.push_back(pool->take(stack_size::least));
      if (blocks.back()->guard != stack_guard::mprotect) FAIL("stack " << i << " has no guard");
    }
    for (std::size_t i = 0; i < 2 * stack_chain::full; ++i) blocks.push_back(pool->take(stack_size::least));
    CHECK(blocks.back()->guard == stack_guard::canary);
    CHECK(pool->unguarded() > 0);
    for (stack_block* b : blocks) pool->give(b);
    pool->retire();
  }
}

TEST_CASE("guard pages of the kernel's own kind cost no mappings") {
  auto* pool = new stack_pool;
  const std::size_t before = mappings();
  std::vector<stack_block*> blocks(50'000);
  for (stack_block*& b : blocks) b = pool->take(stack_size::usual);
  if (blocks.back()->guard == stack_guard::madvise)
    CHECK(mappings() <= before + 50);
  else
    WARN("this kernel has no MADV_GUARD_INSTALL");
  for (stack_block* b : blocks) pool->give(b);
  pool->retire();
}
#endif
