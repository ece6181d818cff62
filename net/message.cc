#include "weir/net/message.h"

#include <algorithm>

namespace weir::net {

message message::copy() const {
  message m;
  m.reserve(count_);
  for (std::size_t i = 0; i < count_; ++i) m[i] = (*this)[i].copy();
  m.count_ = count_;
  return m;
}

std::size_t message::bytes_of_rest() const noexcept {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < behind_first(); ++i) sum += rest_[i].size();
  return sum;
}

std::size_t message::footprint_of_rest() const noexcept {
  // Those that are constructed and no part of it count as frames too.
  std::size_t sum = sizeof(frame) * (std::size_t{capacity_} + spare_ - behind_first());
  for (std::size_t i = 0; i < behind_first(); ++i) sum += rest_[i].footprint();
  return sum;
}

// Within what is constructed.
void message::move_rest(frame* to) noexcept {
  const std::size_t n = behind_first();
  if (to < rest_)
    std::move(rest_, rest_ + n, to);
  else
    std::move_backward(rest_, rest_ + n, to + n);
  rest_ = to;
}

// Doubles, or moves no more frames than it wins room for, so that frame after frame is no work that grows with its
// square; so does reserve_front().
void message::reserve(std::size_t frames) {
  if (frames <= 1 + std::size_t{capacity_}) return;
  const std::size_t all = std::size_t{spare_} + capacity_;
  if (frames - 1 <= all && behind_first() <= spare_) {
    move_rest(rest_ - spare_);
    spare_ = 0, capacity_ = static_cast<std::uint32_t>(all);
    return;
  }
  const std::size_t wanted = std::max<std::size_t>({frames - 1, 3, behind_first() * 2});
  frame* const larger = new frame[wanted];
  std::move(rest_, rest_ + behind_first(), larger);
  free_rest();
  rest_ = larger;
  capacity_ = static_cast<std::uint32_t>(wanted);
}

// So that `frames` fit before the rest. REQUIRES: not empty()
void message::reserve_front(std::size_t frames) {
  if (frames <= spare_) return;
  const std::size_t live = behind_first(), all = std::size_t{spare_} + capacity_;
  if (live + frames <= all && live <= all - live - spare_) {
    move_rest(rest_ + (capacity_ - live));
    spare_ = static_cast<std::uint32_t>(all - live), capacity_ = static_cast<std::uint32_t>(live);
    return;
  }
  const std::size_t front = std::max<std::size_t>({frames, 3, live}), back = capacity_;
  frame* const larger = new frame[front + back];
  std::move(rest_, rest_ + live, larger + front);
  free_rest();
  rest_ = larger + front;
  spare_ = static_cast<std::uint32_t>(front), capacity_ = static_cast<std::uint32_t>(back);
}

void message::push_back(frame f) {
  reserve(count_ + std::size_t{1});
  (*this)[count_] = std::move(f);
  ++count_;
}

void message::push_front(frame f) {
  if (count_ != 0) {
    reserve_front(1);
    *--rest_ = std::move(first_);
    --spare_, ++capacity_;
  }
  first_ = std::move(f);
  ++count_;
}

frame message::pop_front() noexcept {
  frame f = std::move(first_);
  if (--count_ != 0) {
    first_ = std::move(*rest_++);
    ++spare_, --capacity_;
  }
  return f;
}

message message::take_front(std::size_t n) {
  if (n == count_) return std::move(*this);
  message taken;
  taken.reserve(n);
  for (std::size_t i = 0; i < n; ++i) taken.push_back(pop_front());
  return taken;
}

void message::prepend(message&& envelope) {
  if (empty()) {
    *this = std::move(envelope);
    return;
  }
  reserve_front(envelope.size());
  for (std::size_t i = envelope.size(); i > 0; --i) push_front(std::move(envelope[i - 1]));
  envelope.clear();
}

void message::free_rest() noexcept {
  delete[](rest_ - spare_);
  rest_ = nullptr;
  capacity_ = spare_ = 0;
}

bool operator==(const message& a, const message& b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace weir::net
