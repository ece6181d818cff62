#include "examples/wordcount/chunk_reader.h"

namespace wordcount {

void chunk_reader::fill(chunk& c) {
  if (!source_) source_ = byte_source::open(path_);

  char* const text = c.text.get();
  cut_word_.copy(text, cut_word_.size());
  std::size_t size = cut_word_.size();
  while (size < chunk::capacity && !done_) {
    const std::size_t got = source_->read(text + size, chunk::capacity - size);
    size += got;
    done_ = got == 0;
  }

  std::size_t whole = size;
  if (!done_) {
    while (whole > 0 && is_word_byte(text[whole - 1])) --whole;
    if (whole == 0) whole = size;  // one word from end to end
  }
  cut_word_.assign(text + whole, size - whole);
  text[whole] = '\0';
  c.size = whole;

  taken_ = source_->taken();
  if (done_) {
    fault_ = source_->fault();
    opened_ = source_->opened();
    source_.reset();  // here, as closing a file may wait too
  }
}

}  // namespace wordcount
