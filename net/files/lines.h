// weir::net::line_range: the lines of a file, one after the other, in a buffer that is used again.
//   for (std::string& line : f.lines()) ...
//
// Thread-safety: one actor at a time. It reads at the file's position; nobody else does meanwhile.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <string>

#include "weir/runtime/base/deadline.h"

namespace weir::net {

class file;

struct line_options {
  // The longest line, in bytes; a longer one throws net::error (errc::too_long), and memory stays bounded.
  std::size_t longest = 1 << 20;
  // For the whole range.
  deadline limit = {};
};

class line_range {
 public:
  line_range(file& of, line_options options);
  line_range(file&& of, line_options options);
  line_range(line_range&&) noexcept;
  ~line_range();

  // The next line without its '\n', or null at the end of the file. A last line without '\n' counts; "\r\n" keeps its
  // '\r'. The string is the caller's until the next call, and may be moved from. Parks, throws and is cancelled as
  // file::read_some; what was read and not returned goes on at the next call. Allocates when a line is longer than all
  // before.
  std::string* next();

  class iterator {
   public:
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    iterator() = default;
    explicit iterator(line_range& of) : of_(&of), line_(of.next()) {}
    std::string& operator*() const noexcept { return *line_; }
    std::string* operator->() const noexcept { return line_; }
    iterator& operator++() {
      line_ = of_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& a, std::default_sentinel_t) noexcept { return a.line_ == nullptr; }

   private:
    line_range* of_ = nullptr;
    std::string* line_ = nullptr;
  };
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace weir::net
