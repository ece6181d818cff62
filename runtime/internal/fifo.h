// An intrusive first-in first-out list, linked through the member that `Next` names: a T*, or what acts as one. Never
// allocates.
//
// Thread-safety: none; its owner locks.
#pragma once

namespace weir::internal {

template <class T, auto Next>
class fifo {
 public:
  bool empty() const noexcept { return head_ == nullptr; }
  T* front() const noexcept { return head_; }

  void push(T& item) noexcept {
    item.*Next = nullptr;
    link_after(tail_, &item);
    tail_ = &item;
  }

  // Takes over all of `other`, in its order.
  void append(fifo& other) noexcept {
    if (other.head_ == nullptr) return;
    link_after(tail_, other.head_);
    tail_ = other.tail_;
    other.head_ = other.tail_ = nullptr;
  }

  T* pop() noexcept {
    T* const item = head_;
    if (item != nullptr) {
      head_ = item->*Next;
      if (head_ == nullptr) tail_ = nullptr;
    }
    return item;
  }

  // Walks the list. False if it is not in it.
  bool remove(T& item) noexcept {
    T* before = nullptr;
    for (T* t = head_; t != nullptr; before = t, t = t->*Next) {
      if (t != &item) continue;
      link_after(before, t->*Next);
      if (tail_ == t) tail_ = before;
      return true;
    }
    return false;
  }

 private:
  // `before`: null for the front.
  void link_after(T* before, T* item) noexcept {
    if (before != nullptr)
      before->*Next = item;
    else
      head_ = item;
  }

  T* head_ = nullptr;
  T* tail_ = nullptr;
};

}  // namespace weir::internal
