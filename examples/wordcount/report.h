// report: the result as text or as JSON.
//
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "examples/wordcount/word_table.h"

namespace wordcount {

struct report {
  word_table table;
  std::vector<counted_word> top;  // of `table`
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // of text, after unpacking
  std::uint64_t words = 0;
  std::size_t faults = 0;
  double seconds = 0;
};

// A line "COUNT WORD" per word as `uniq -c` prints it, then, behind an empty line, the totals and, if there are any,
// the number of faults.
std::string as_text(const report& r);
// One JSON object (RFC 8259) and a newline.
std::string as_json(const report& r);

}  // namespace wordcount
