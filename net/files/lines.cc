#include "weir/net/files/lines.h"

#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/files/file.h"

namespace weir::net {

struct line_range::state {
  std::optional<file> own = {};
  file* from = nullptr;
  line_options options = {};
  std::string line = {};
  bool begun = false;  // `line` holds the beginning of one
  // What was read: buffer[start, end).
  std::size_t start = 0, end = 0;
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(size);

  static constexpr std::size_t size = 64 * 1024;
};

line_range::line_range(file& of, line_options options) : state_(new state{.from = &of, .options = options}) {}
line_range::line_range(file&& of, line_options options) : state_(new state{.own = std::move(of), .options = options}) {
  state_->from = &*state_->own;
}
line_range::line_range(line_range&&) noexcept = default;
line_range::~line_range() = default;

std::string* line_range::next() {
  state& s = *state_;
  if (!s.begun) s.line.clear();
  for (;;) {
    const std::string_view had(s.buffer.get() + s.start, s.end - s.start);
    const std::size_t found = had.find('\n');
    const std::string_view part = had.substr(0, found);
    if (part.size() > s.options.longest - s.line.size())
      throw error(make_error_code(errc::too_long), "lines", std::string(s.from->path()));
    s.line += part;
    if (found != had.npos) {
      s.start += found + 1;
      s.begun = false;
      return &s.line;
    }
    s.begun = s.begun || !part.empty();
    s.start = s.end = 0;
    const io_result got = s.from->read_some(mutable_buffer(s.buffer.get(), state::size), s.options.limit);
    if (got.status == io_status::end) return std::exchange(s.begun, false) ? &s.line : nullptr;
    s.end = s.from->expect("read", got);
  }
}

}  // namespace weir::net
