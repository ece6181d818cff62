#include "weir/net/socket/internal/item_memory.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/short_memory.h"
#include "tests/testing.h"
#include "weir/net/socket/internal/item.h"
#include "weir/runtime/internal/sanitizer.h"

using weir::net::internal::item;
using weir::net::internal::item_list;
using weir::net::internal::item_memory;

namespace {

constexpr std::size_t chain = item_memory::chain_length;

[[maybe_unused]] std::vector<void*> take(std::size_t n) {
  std::vector<void*> all(n);
  for (void*& memory : all) memory = item_memory::take();
  return all;
}
void give(const std::vector<void*>& all) {
  for (void* memory : all) item_memory::give(memory);
}

// Allocations in f(), of this thread's or others'.
template <class F>
long allocations_in(F f) {
  const long before = testing::allocations();
  f();
  return testing::allocations() - before;
}

// Leaves nothing in the depot to begin with.
struct emptied {
  std::vector<void*> all = take((item_memory::most_chains + 2) * chain);
  ~emptied() { give(all); }
};

// One that has nothing to begin with.
template <class F>
void on_a_thread(F f) {
  std::thread(f).join();
}

// How many allocations it takes.
[[maybe_unused]] long allocations_for(std::vector<void*>& all) {
  const long before = testing::allocations();
  for (void*& memory : all) memory = item_memory::take();
  return testing::allocations() - before;
}

}  // namespace

#if !defined(WEIR_ASAN)  // which gets each item from the general allocator
TEST_CASE("a thread's items come from what it has given back, without an allocation") {
  const emptied depot;
  long made = 0;
  on_a_thread([&] {
    give(take(2 * chain));
    std::vector<void*> all(2 * chain);
    for (int round = 0; round < 100; ++round) {
      made += allocations_for(all);
      give(all);
    }
  });
  CHECK(made == 0);
}

TEST_CASE("what one thread gives back is there for another") {
  const emptied depot;
  std::vector<void*> all;
  on_a_thread([&] { all = take(20 * chain); });
  on_a_thread([&] { give(all); });  // two chains by its end, the others before
  long made = -1;
  on_a_thread([&] {
    made = allocations_for(all);
    give(all);
  });
  CHECK(made == 0);
}

TEST_CASE("a thread that ends keeps nothing, and may give back what it destroys behind its own end") {
  const emptied depot;
  const long before = testing::frees();
  on_a_thread([] {
    thread_local item_list destroyed_last;  // made before the thread's chains, and so destroyed after them
    for (std::size_t i = 0; i < chain; ++i) destroyed_last.push_back(new item);
    give(take(2 * chain));
  });
  CHECK(testing::frees() - before >= static_cast<long>(chain));
  long made = -1;
  on_a_thread([&] {
    std::vector<void*> all(2 * chain);
    made = allocations_for(all);
    give(all);
  });
  CHECK(made == 0);
}

TEST_CASE("the depot has a bound") {
  const emptied depot;
  long made = -1;
  on_a_thread([&] {
    constexpr std::size_t more = (item_memory::most_chains + 2 + 10) * chain;
    give(take(more));
    std::vector<void*> all(more);
    made = allocations_for(all);
    give(all);
  });
  CHECK(made == static_cast<long>(10 * chain));
}

TEST_CASE("without memory there is no item, and later there is one again") {
  const emptied depot;
  bool got = true, later = false;
  on_a_thread([&] {
    void* memory = nullptr;
    got = testing::with_allocations(0, [&] { memory = item_memory::take(); });
    later = testing::with_allocations(1, [&] { memory = item_memory::take(); });
    item_memory::give(memory);
    later = later && testing::with_allocations(0, [&] { memory = item_memory::take(); });
    item_memory::give(memory);
  });
  CHECK_FALSE(got);
  CHECK(later);
}
#endif

TEST_CASE("no two have the same memory at a time, whatever threads give and take") {
  constexpr int threads = 4;
  const int rounds = testing::rounds(2000);
  struct basket {
    std::atomic<std::vector<void*>*> passed{nullptr};  // exchange: acquire and release, of what stands in the memory
  } baskets[threads];
  std::atomic<int> wrong{0};
  const auto work = [&](int mine) {
    auto* hand = new std::vector<void*>();
    for (int round = 0; round < rounds; ++round) {
      for (void* memory : *hand) {  // from another thread
        unsigned char first;
        std::memcpy(&first, memory, 1);
        for (std::size_t i = 1; i < item_memory::size; ++i)
          if (static_cast<unsigned char*>(memory)[i] != first) ++wrong;
        item_memory::give(memory);
      }
      hand->clear();
      for (std::size_t i = 0; i < chain / 2 + static_cast<std::size_t>(round % 3) * chain; ++i) {
        void* const memory = item_memory::take();
        std::memset(memory, mine * 16 + round % 16, item_memory::size);
        hand->push_back(memory);
      }
      hand = baskets[round % threads].passed.exchange(hand, std::memory_order_acq_rel);
      if (hand == nullptr) hand = new std::vector<void*>();
    }
    give(*hand);
    delete hand;
  };
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) all.emplace_back(work, i);
  for (std::thread& t : all) t.join();
  for (basket& b : baskets)
    if (std::vector<void*>* const left = b.passed.load(std::memory_order_acquire)) {
      give(*left);
      delete left;
    }
  CHECK(wrong == 0);
}
