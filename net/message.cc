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

std::size_t message::bytes() const noexcept {
  std::size_t sum = 0;
  for (const frame& f : *this) sum += f.size();
  return sum;
}

void message::reserve(std::size_t frames) {
  if (frames <= 1 + std::size_t{capacity_}) return;
  // Doubles, so that frame after frame is no work that grows with its square.
  const std::size_t wanted = std::max<std::size_t>({frames - 1, 3, std::size_t{capacity_} * 2});
  frame* larger = new frame[wanted];
  for (std::size_t i = 0; i + 1 < count_; ++i) larger[i] = std::move(rest_[i]);
  delete[] rest_;
  rest_ = larger;
  capacity_ = static_cast<std::uint32_t>(wanted);
}

void message::push_back(frame f) {
  reserve(count_ + std::size_t{1});
  (*this)[count_] = std::move(f);
  ++count_;
}

void message::push_front(frame f) {
  reserve(count_ + std::size_t{1});
  for (std::size_t i = count_; i > 0; --i) (*this)[i] = std::move((*this)[i - 1]);
  first_ = std::move(f);
  ++count_;
}

frame message::pop_front() noexcept {
  frame f = std::move(first_);
  for (std::size_t i = 1; i < count_; ++i) (*this)[i - 1] = std::move((*this)[i]);
  --count_;
  return f;
}

void message::free_rest() noexcept {
  delete[] rest_;
  rest_ = nullptr;
  capacity_ = 0;
}

bool operator==(const message& a, const message& b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace weir::net
