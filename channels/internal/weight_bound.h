// The bound of a channel by weight: what the values in its buffer weigh together.
//
// Thread-safety: under the lock of the channel.
//
// A receive does not come here, so that it costs the same with and without weights. Who wants room says how many
// values are left, and the weights of those that went are taken off then.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace weir::internal {

class weight_bound {
 public:
  weight_bound(std::size_t most, std::size_t capacity) : most_(most), weights_(capacity) {}

  std::size_t most() const noexcept { return most_; }

  // Of the values that were added, the `left` last ones are in the buffer still.
  void forget_all_but(std::size_t left) noexcept {
    for (; count_ > left; --count_, head_ = following(head_)) sum_ -= weights_[head_];
  }
  // A value that is heavier than the bound fits alone. REQUIRES: forget_all_but().
  bool fits(std::size_t weight) const noexcept { return count_ == 0 || (sum_ <= most_ && weight <= most_ - sum_); }
  // REQUIRES: forget_all_but(); there is a place left.
  void add(std::size_t weight) noexcept {
    std::size_t at = head_ + count_++;
    if (at >= weights_.size()) at -= weights_.size();
    weights_[at] = weight;
    sum_ += weight;
  }

  std::size_t places() const noexcept { return weights_.size(); }
  // Goes on with more places; `larger` becomes the vector that was used so far. REQUIRES: it is larger.
  void move_into(std::vector<std::size_t>& larger) noexcept {
    for (std::size_t i = 0; i < count_; ++i, head_ = following(head_)) larger[i] = weights_[head_];
    head_ = 0;
    std::swap(weights_, larger);
  }

 private:
  std::size_t following(std::size_t i) const noexcept { return i + 1 == weights_.size() ? 0 : i + 1; }

  const std::size_t most_;
  std::vector<std::size_t> weights_;  // a ring
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  std::size_t sum_ = 0;
};

}  // namespace weir::internal
