#include "examples/wordcount/word_table.h"

#include <algorithm>
#include <utility>

namespace wordcount {

namespace {

constexpr std::size_t first_slots = 1 << 12;
constexpr std::size_t block_bytes = 1 << 16;

}  // namespace

word_table::word_table() : slots_(first_slots), mask_(first_slots - 1) {}

word_table::slot& word_table::insert(slot& free, std::uint64_t head, const char* word, std::uint32_t length,
                                     std::uint32_t hash) {
  if (used_ >= slots_.size() / 4 * 3) {
    grow();
    return find(head, word, length, hash);
  }
  ++used_;
  free = {head, length > 8 ? keep(word, length) : nullptr, length, hash, 0};
  return free;
}

void word_table::grow() {
  const std::vector<slot> before = std::exchange(slots_, std::vector<slot>(slots_.size() * 2));
  mask_ = slots_.size() - 1;
  for (const slot& s : before) {
    if (s.head == 0) continue;
    std::size_t at = s.hash & mask_;
    while (slots_[at].head != 0) at = (at + 1) & mask_;
    slots_[at] = s;
  }
}

const char* word_table::keep(const char* word, std::size_t length) {
  if (left_ < length) {
    // A giant gets a block to itself; the rest of the current one stays in use.
    const bool giant = length > block_bytes / 4;
    arena_.push_back(std::make_unique_for_overwrite<char[]>(giant ? length : block_bytes));
    if (giant) return static_cast<const char*>(std::memcpy(arena_.back().get(), word, length));
    block_ = arena_.back().get();
    left_ = block_bytes;
  }
  char* const kept = block_;
  std::memcpy(kept, word, length);
  block_ += length;
  left_ -= length;
  return kept;
}

void word_table::merge(const word_table& other) {
  for (const slot& s : other.slots_)
    if (s.head != 0) find(s.head, s.word, s.length, s.hash).count += s.count;
}

std::uint64_t word_table::total() const noexcept {
  std::uint64_t sum = 0;
  for (const slot& s : slots_) sum += s.count;
  return sum;
}

std::vector<counted_word> word_table::top(std::size_t most) const {
  std::vector<const slot*> order;
  order.reserve(used_);
  for (const slot& s : slots_)
    if (s.head != 0) order.push_back(&s);
  most = std::min(most, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
      [](const slot* a, const slot* b) { return a->count != b->count ? a->count > b->count : a->view() < b->view(); });
  std::vector<counted_word> words;
  words.reserve(most);
  for (std::size_t i = 0; i < most; ++i) words.push_back({order[i]->view(), order[i]->count});
  return words;
}

}  // namespace wordcount
