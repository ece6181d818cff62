// chunk_reader: cuts one file into chunks that end where words end.
//
// Thread-safety: none; used by one reader, off the workers, as every call may wait for a disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "examples/wordcount/byte_source.h"
#include "examples/wordcount/words.h"

namespace wordcount {

// A piece of text, with text_padding behind it.
struct chunk {
  // Also the longest word: one that does not fit into a chunk is counted in pieces of this size.
  static constexpr std::size_t capacity = std::size_t{256} << 10;

  chunk() : text(std::make_unique_for_overwrite<char[]>(capacity + text_padding)) {}

  std::unique_ptr<char[]> text;
  std::size_t size = 0;
};

class chunk_reader {
 public:
  // The file is opened by the first fill(), so that making one never waits.
  explicit chunk_reader(std::string path) : path_(std::move(path)) {}

  // Replaces the chunk's text by the next piece of the file: whole words, unless one is longer than a chunk, and a 0
  // behind it. Its size may be 0, at the end. REQUIRES: !done().
  void fill(chunk& c);
  // The whole file was given out, or what could be read of it.
  bool done() const noexcept { return done_; }

  const std::string& path() const noexcept { return path_; }
  // Once done: why the file ended early, or empty.
  const std::string& fault() const noexcept { return fault_; }
  // Once done: whether it could be opened at all.
  bool opened() const noexcept { return opened_; }
  // Bytes taken from the file so far, packed ones if it is packed.
  std::uint64_t taken() const noexcept { return taken_; }

 private:
  std::string path_;
  std::unique_ptr<byte_source> source_;  // null before the first fill and once done
  std::string cut_word_;                 // the beginning of a word that goes into the next chunk
  std::string fault_;
  std::uint64_t taken_ = 0;
  bool opened_ = false;
  bool done_ = false;
};

}  // namespace wordcount
