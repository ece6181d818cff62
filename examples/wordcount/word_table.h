// word_table: how often each word was seen.
//
// Thread-safety: none; every parser has its own, and they are merged when all is read.
// Origin: open addressing with linear probing; wyhash's multiply-and-fold as the hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace wordcount {

struct counted_word {
  std::string_view word;  // lives as long as the table and until its next add or merge
  std::uint64_t count;
};

class word_table {
 public:
  word_table();
  word_table(word_table&&) noexcept = default;
  word_table& operator=(word_table&&) noexcept = default;

  // Counts a word. REQUIRES: 0 < length < 2^32, no byte is 0, and the 8 bytes behind it can be read.
  void add(const char* word, std::size_t length) {
    const std::uint64_t head = first_eight(word, length);
    const std::uint32_t hash = hash_of(head, word, length);
    find(head, word, static_cast<std::uint32_t>(length), hash).count += 1;
  }
  // Adds the counts of `other`.
  void merge(const word_table& other);

  // Distinct words.
  std::size_t size() const noexcept { return used_; }
  // The sum of all counts.
  std::uint64_t total() const noexcept;
  // The `most` most frequent words, most frequent first; equally frequent ones in the order of their bytes.
  std::vector<counted_word> top(std::size_t most) const;

 private:
  // Two slots share a cache line. A word of up to eight bytes lies in its slot, so that most lookups touch nothing
  // else.
  struct alignas(32) slot {
    std::uint64_t head = 0;      // the first eight bytes, filled up with 0; 0: the slot is free
    const char* word = nullptr;  // in the arena, if longer than eight bytes
    std::uint32_t length = 0;
    std::uint32_t hash = 0;
    std::uint64_t count = 0;

    std::string_view view() const noexcept {
      return {length > 8 ? word : reinterpret_cast<const char*>(&head), length};
    }
  };

  static std::uint64_t first_eight(const char* word, std::size_t length) noexcept;
  static std::uint32_t hash_of(std::uint64_t head, const char* word, std::size_t length) noexcept;

  slot& find(std::uint64_t head, const char* word, std::uint32_t length, std::uint32_t hash) {
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      slot& s = slots_[at];
      if (s.head == head && s.length == length && s.hash == hash &&
          (length <= 8 || std::memcmp(s.word + 8, word + 8, length - 8) == 0))
        return s;
      if (s.head == 0) return insert(s, head, word, length, hash);
    }
  }
  slot& insert(slot& free, std::uint64_t head, const char* word, std::uint32_t length, std::uint32_t hash);
  void grow();
  const char* keep(const char* word, std::size_t length);

  std::vector<slot> slots_;
  std::size_t mask_;
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<char[]>> arena_;  // blocks of long words
  char* block_ = nullptr;                       // rest of the newest block
  std::size_t left_ = 0;
};

inline std::uint64_t word_table::first_eight(const char* word, std::size_t length) noexcept {
  std::uint64_t head;
  std::memcpy(&head, word, 8);
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                "the mask keeps the low bytes, which must be the first ones");
  return length >= 8 ? head : head & (~std::uint64_t{0} >> (64 - 8 * length));
}

inline std::uint32_t word_table::hash_of(std::uint64_t head, const char* word, std::size_t length) noexcept {
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t h = fold(head ^ 0xa0761d6478bd642f, length ^ 0xe7037ed1a0b428db);
  for (std::size_t at = 8; at < length; at += 8) h = fold(h ^ first_eight(word + at, length - at), 0x8ebc6af09c88c6e3);
  return static_cast<std::uint32_t>(h ^ h >> 32);
}

}  // namespace wordcount
