// What stands in the queues between a program and its connections: messages, and what the protocol says besides.
//   item        one of them
//   make_item   makes one
//   item_list   a FIFO, which never allocates
//   incoming    a message as the program gets it, with the way back
//
// Thread-safety: values; a list under the lock of its socket, or one actor's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "weir/net/message.h"
#include "weir/net/socket/internal/item_memory.h"

namespace weir::net::internal {

struct pipe;

// Towards a peer subscribe and cancel are commands. Towards the program they are XPUB's news, and stand there as it
// reads them: 1 or 0, then the topic.
enum class item_kind : std::uint8_t { message, subscribe, cancel, pong };

struct item {
  item() noexcept {}  // not = default: then `new item()` would set each octet to 0 before

  // First what queues look at, so that they touch one cache line of each.
  item* next = nullptr;
  std::size_t weight = 0;    // octets of memory
  std::uint32_t number = 0;  // REQ: of the question that it is, or answers
  item_kind kind = item_kind::message;
  bool again = false;                          // subscribe: the peer has been told that before, and no cancel since
  std::shared_ptr<const message> shared = {};  // in place of body: goes to several peers
  message body = {};                           // else the topic, the context

  const message& content() const noexcept { return shared ? *shared : body; }
  // Gets the rest of it near: for who will have it next.
  void fetch() const noexcept {
    __builtin_prefetch(reinterpret_cast<const char*>(this) + 64);
    __builtin_prefetch(reinterpret_cast<const char*>(this) + 128);
  }
  void weigh() noexcept { weight = sizeof(item) + content().footprint(); }

  static void* operator new(std::size_t) { return item_memory::take(); }
  static void operator delete(void* at) noexcept { item_memory::give(at); }
};
static_assert(sizeof(item) <= item_memory::size && alignof(item) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

// With its weight. Allocates.
inline std::unique_ptr<item> make_item(item_kind kind, message body) {
  auto i = std::make_unique<item>();
  i->kind = kind;
  i->body = std::move(body);
  i->weigh();
  return i;
}

class item_list {
 public:
  struct amount {
    std::size_t items = 0, weight = 0;
  };

  item_list() = default;
  item_list(item_list&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)),
        last_(std::exchange(other.last_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        weight_(std::exchange(other.weight_, 0)) {}
  item_list& operator=(item_list&&) = delete;
  ~item_list() { clear(); }

  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  std::size_t weight() const noexcept { return weight_; }
  item* front() const noexcept { return first_; }

  void push_back(item* i) noexcept {
    i->next = nullptr;
    (last_ ? last_->next : first_) = i;
    last_ = i;
    ++size_;
    weight_ += i->weight;
  }
  void push_back(std::unique_ptr<item> i) noexcept { push_back(i.release()); }
  void push_front(item* i) noexcept {
    i->next = first_;
    first_ = i;
    if (last_ == nullptr) last_ = i;
    ++size_;
    weight_ += i->weight;
  }
  // REQUIRES: not empty.
  item* pop_front() noexcept {
    item* const i = first_;
    first_ = i->next;
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    weight_ -= i->weight;
    return i;
  }
  // The same; and gets the next one near, which is needed soon.
  item* pop_and_fetch() noexcept {
    item* const i = pop_front();
    if (first_ != nullptr) __builtin_prefetch(first_), first_->fetch();
    return i;
  }
  // The first one of that number; null: there is none.
  item* extract(std::uint32_t number) noexcept {
    item* before = nullptr;
    for (item** at = &first_; *at != nullptr; before = *at, at = &before->next)
      if (item* const i = *at; i->number == number) {
        *at = i->next;
        if (last_ == i) last_ = before;
        --size_;
        weight_ -= i->weight;
        return i;
      }
    return nullptr;
  }
  // Those at the front: up to `items`, and until they weigh `weight` or more. What is all of it costs the same however
  // many there are.
  item_list take_front(std::size_t items, std::size_t weight) noexcept {
    if (size_ <= items && weight_ <= weight) return std::move(*this);
    item_list front;
    while (!empty() && front.size_ < items && front.weight_ < weight) front.push_back(pop_front());
    return front;
  }
  void append(item_list&& other) noexcept {
    if (other.empty()) return;
    (last_ ? last_->next : first_) = other.first_;
    last_ = other.last_;
    size_ += other.size_;
    weight_ += other.weight_;
    other.first_ = other.last_ = nullptr;
    other.size_ = other.weight_ = 0;
  }
  // Puts all of `other` before what is here.
  void prepend(item_list&& other) noexcept {
    other.append(std::move(*this));
    append(std::move(other));
  }
  void clear() noexcept {
    while (!empty()) delete pop_front();
  }

 private:
  item* first_ = nullptr;
  item* last_ = nullptr;
  std::size_t size_ = 0, weight_ = 0;
};

struct incoming {
  message body = {};
  item_kind kind = item_kind::message;
  std::shared_ptr<pipe> from = {};  // REP, XPUB
  std::uint64_t connection = 0;     // of `from`

  void take(item& i) noexcept { body = std::move(i.body), kind = i.kind; }
};

}  // namespace weir::net::internal
