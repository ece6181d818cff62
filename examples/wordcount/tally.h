// tally: how far the count has come; what the progress line shows.
//
// Thread-safety: all of it. Relaxed throughout: each figure stands for itself, and the exact ones are read only after
// the actors that add to them have ended, which their scope orders.
#pragma once

#include <atomic>
#include <cstdint>

namespace wordcount {

struct tally {
  // Bytes of all files found so far, on disk. The lister adds what the folder says; a reader that ends a file corrects
  // it to what there really was, so that `read` meets it in the end.
  std::atomic<std::uint64_t> listed{0};
  // False once the lister has seen everything: `listed` is then the whole.
  std::atomic<bool> listing{true};
  // Bytes read so far, on disk. Readers.
  std::atomic<std::uint64_t> read{0};
  // Bytes of text in the chunks so far, that is, after decompression. Readers.
  std::atomic<std::uint64_t> text{0};
  // Files opened and read, to the end or to a fault. Readers.
  std::atomic<std::uint64_t> files{0};
};

}  // namespace wordcount
