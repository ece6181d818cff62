#include "weir/net/socket/internal/item_memory.h"

#include <new>
#include <utility>

#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/internal/small_lock.h"

namespace weir::net::internal {
namespace {

#ifdef WEIR_ASAN
constexpr bool keeps = false;
#else
constexpr bool keeps = true;
#endif

// Free memory.
struct cell {
  cell* next;        // of its chain
  cell* next_chain;  // in the depot: of the first one of a chain
};

struct chain {
  cell* first = nullptr;
  std::size_t length = 0;

  bool empty() const noexcept { return first == nullptr; }
  void push(void* memory) noexcept {
    first = ::new (memory) cell{first, nullptr};
    ++length;
  }
  void* pop() noexcept {
    --length;
    cell* const got = first;
    first = got->next;
    __builtin_prefetch(first);  // is taken next
    return got;
  }
  void free() noexcept {
    while (!empty()) ::operator delete(pop());
  }
};

// Whole chains. Who finds it locked does without.
class depot {
 public:
  // Empty: there is none.
  chain take() noexcept {
    chain c;
    if (!lock_.try_lock()) return c;
    if (first_ != nullptr) {
      c = {first_, item_memory::chain_length};
      first_ = first_->next_chain;
      --chains_;
    }
    lock_.unlock();
    return c;
  }
  // False: it has no room.
  bool give(const chain& c) noexcept {
    if (!lock_.try_lock()) return false;
    const bool room = chains_ < item_memory::most_chains;
    if (room) {
      c.first->next_chain = first_;
      first_ = c.first;
      ++chains_;
    }
    lock_.unlock();
    return room;
  }

 private:
  weir::internal::small_lock lock_;
  cell* first_ = nullptr;
  std::size_t chains_ = 0;
};
constinit depot all;

// What a thread keeps. Without a destructor: what the thread destroys at its very end may give items back.
struct rack {
  chain now, other;
  std::size_t most = 0;  // of `now`; 0: it keeps nothing, as it has not begun, or is over
  bool over = false;
};
constinit thread_local rack mine;

void give_chain(chain c) noexcept {
  if (c.length != item_memory::chain_length || !all.give(c)) c.free();
}

// False: the thread ends.
bool begin() noexcept {
  if (mine.over || !keeps) return false;
  struct at_exit {
    ~at_exit() {
      mine.most = 0, mine.over = true;
      give_chain(std::exchange(mine.now, {}));
      give_chain(std::exchange(mine.other, {}));
    }
  };
  thread_local at_exit once;
  static_cast<void>(once);
  mine.most = item_memory::chain_length;
  return true;
}

// No room in `now`.
__attribute__((noinline)) void give_slowly(void* memory) noexcept {
  if (!begin()) return ::operator delete(memory);
  if (mine.now.length == mine.most) {
    if (!mine.other.empty()) give_chain(mine.other);
    mine.other = std::exchange(mine.now, {});
  }
  mine.now.push(memory);
}

// Nothing in `now`.
__attribute__((noinline)) void* take_slowly() {
  if (!mine.other.empty()) {
    std::swap(mine.now, mine.other);
    return mine.now.pop();
  }
  if (!begin()) return ::operator new(item_memory::size);
  mine.now = all.take();
  return mine.now.empty() ? ::operator new(item_memory::size) : mine.now.pop();
}

}  // namespace

// Never inlined: the caller may be on another thread after its next park.
__attribute__((noinline)) void* item_memory::take() {
  asm volatile("" ::: "memory");
  if (mine.now.empty()) [[unlikely]]
    return take_slowly();
  return mine.now.pop();
}

__attribute__((noinline)) void item_memory::give(void* memory) noexcept {
  asm volatile("" ::: "memory");
  if (mine.now.length == mine.most) [[unlikely]]
    return give_slowly(memory);
  mine.now.push(memory);
}

}  // namespace weir::net::internal
