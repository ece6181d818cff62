#include "weir/net/http/reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir::net::http {
namespace {

constexpr std::size_t first_capacity = 4 * 1024;  // most heads fit
constexpr std::size_t body_capacity = 32 * 1024;

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

mutable_buffer message_reader::room() {
  piece_ = {};
  if (begin_ == end_) begin_ = end_ = 0;
  const bool streams = state_ == state::body || state_ == state::chunk_data;
  const std::size_t wanted = streams ? body_capacity : first_capacity;
  if (end_ == capacity_ || (streams && capacity_ < wanted && begin_ == end_)) {
    if (begin_ > 0) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
      end_ -= begin_, begin_ = 0;
    } else {
      // next() refuses a head before it fills this: so who calls it need not look whether there is room.
      const std::size_t most =
          std::max({most_.head + first_capacity, most_.chunk_line + first_capacity, body_capacity});
      const std::size_t larger = std::min(most, std::max(wanted, end_ == capacity_ ? 2 * capacity_ : capacity_));
      if (larger == end_) return {};
      std::unique_ptr<char[]> grown(new char[larger]);
      if (end_ > 0) std::memcpy(grown.get(), buffer_.get(), end_);
      buffer_ = std::move(grown);
      capacity_ = larger;
    }
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

std::size_t message_reader::feed(const_buffer bytes) {
  if (bytes.empty()) return 0;
  const mutable_buffer to = room();
  const std::size_t n = std::min(to.size(), bytes.size());
  std::memcpy(to.data(), bytes.data(), n);
  filled(n);
  return n;
}

std::string message_reader::take_unread() {
  std::string taken(there());
  consume(taken.size());
  begin_ = end_ = scanned_ = line_ = 0;
  return taken;
}

std::optional<std::uint64_t> message_reader::body_length() const noexcept {
  if (body_ == body_kind::none) return 0;
  if (body_ == body_kind::length) return remaining_;
  return std::nullopt;
}

input message_reader::next() {
  piece_ = {};
  for (;;) {
    switch (state_) {
      case state::head:
        return whole_head();
      case state::body:
        return body();
      case state::chunk_line:
        if (const input r = chunk_line(); r != input::end) return r;
        break;
      case state::chunk_data:
        return body();
      case state::chunk_end:
        if (const input r = chunk_end(); r != input::end) return r;
        break;
      case state::trailer:
        return whole_trailer();
      case state::end:
        state_ = last_ ? state::over : state::head;
        return input::end;
      case state::over:
        return input::more;
      case state::failed:
        return input::failed;
    }
  }
}

input message_reader::more_or_cut_off() {
  if (!ended_) return input::more;
  if (state_ == state::head && begin_ == end_) return input::more;  // the caller knows that nothing will come
  return refuse(rule::cut_off, "the end", end_ - begin_);
}

bool message_reader::fail(rule r, std::string value, std::uint64_t at) noexcept {
  failure_ = {r, std::move(value), at};
  return false;
}

input message_reader::refuse(rule r, std::string_view value, std::size_t at) {
  if (!failure_) failure_ = {r, std::string(value), offset_ + at};
  state_ = state::failed;
  return input::failed;
}

// One look at each octet, however they come, so that what is wrong does not depend on the pieces.
long message_reader::scan(bool trailer) {
  const std::string_view text = there();
  const auto bad = [&](rule r, std::size_t from) {
    refuse(r, printable(text.substr(from, scanned_ + 1 - from)), scanned_);
    return -2L;
  };
  for (; scanned_ < text.size(); ++scanned_) {
    const char c = text[scanned_];
    const std::size_t place = scanned_ - line_;
    const bool first = lines_ == 0 && !trailer;
    if (scanned_ >= most_.head) return bad(rule::head_size, 0);
    if (first && place >= most_.start_line) return bad(rule::start_line_size, line_);
    const bool after_cr = place > 0 && text[scanned_ - 1] == '\r';
    if (c == '\n') {
      if (!after_cr) return bad(rule::bare_lf, line_);
      const bool empty = place == 1;
      line_ = scanned_ + 1;
      if (empty && !first) return static_cast<long>(++scanned_);
      // Empty lines before a request are passed over (RFC 9112, 2.2); they count as parts of its head.
      if (!empty && ++lines_ > most_.fields + (trailer ? 0 : 1)) return bad(rule::field_count, 0);
    } else if (after_cr) {
      return bad(rule::bare_cr, line_);
    } else if (place == 0 && (c == ' ' || c == '\t')) {
      return bad(rule::folded_line, line_);
    } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\t') || c == 0x7F) {
      return bad(rule::control_character, line_);
    }
  }
  return -1;
}

input message_reader::whole_head() {
  const long size = scan(false);
  if (size == -2) return input::failed;
  if (size == -1) {
    // Between messages a connection keeps little: it may be idle for long.
    if (begin_ == end_ && capacity_ > first_capacity) buffer_.reset(), capacity_ = begin_ = end_ = 0;
    return more_or_cut_off();
  }
  std::string_view text = there().substr(0, static_cast<std::size_t>(size));
  while (text.starts_with("\r\n")) text.remove_prefix(2), consume(2);
  scanned_ = line_ = lines_ = 0;  // if what follows finds no memory, the next call looks at the head anew
  no_body();
  last_ = false;
  trailers_.clear();
  body_seen_ = extensions_seen_ = 0;
  if (!read_head(text)) {
    state_ = state::failed;
    return input::failed;
  }
  consume(text.size());
  switch (body_) {
    case body_kind::none:
      state_ = state::end;
      break;
    case body_kind::length:
      state_ = remaining_ == 0 ? state::end : state::body;
      break;
    case body_kind::until_end:
      state_ = state::body;
      break;
    case body_kind::chunked:
      state_ = state::chunk_line;
      break;
  }
  return input::head;
}

input message_reader::body() {
  const bool counted = body_ != body_kind::until_end;
  if (begin_ == end_) {
    if (!counted && ended_) {
      state_ = state::end;
      return next();
    }
    return more_or_cut_off();
  }
  const std::uint64_t room_left = counted ? remaining_ : most_.body - body_seen_;
  if (room_left == 0) return refuse(rule::body_size, "more than " + std::to_string(most_.body) + " octets", 0);
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(end_ - begin_, room_left));
  piece_ = there().substr(0, n);
  consume(n);
  if (!counted) {
    body_seen_ += n;
  } else if ((remaining_ -= n) == 0) {
    state_ = body_ == body_kind::chunked ? state::chunk_end : state::end;
  }
  return input::body;
}

// `end` means: go on.
input message_reader::chunk_line() {
  const std::string_view text = there();
  const std::size_t lf = text.substr(0, most_.chunk_line + 2).find('\n');
  if (lf == std::string_view::npos) {
    if (text.size() > most_.chunk_line + 1)
      return refuse(rule::chunk_line_size, printable(text.substr(0, most_.chunk_line)), most_.chunk_line);
    return more_or_cut_off();
  }
  if (lf == 0 || text[lf - 1] != '\r') return refuse(rule::bare_lf, printable(text.substr(0, lf + 1)), lf);
  const std::string_view line = text.substr(0, lf - 1);
  std::uint64_t size = 0;
  std::size_t digits = 0;
  for (; digits < line.size() && hex_digit(line[digits]) >= 0 && digits < 16; ++digits)
    size = size * 16 + static_cast<unsigned>(hex_digit(line[digits]));
  const std::string_view extensions = line.substr(digits);
  if (digits == 0 || digits > 15 || (!extensions.empty() && extensions[0] != ';'))
    return refuse(rule::chunk_size, printable(line), 0);
  if (!is_field_value(extensions)) return refuse(rule::control_character, printable(line), digits);
  if ((extensions_seen_ += extensions.size()) > most_.chunk_extensions)
    return refuse(rule::chunk_extensions, printable(line), digits);
  if (size > most_.body - body_seen_)
    return refuse(rule::body_size, std::to_string(body_seen_) + " octets and a chunk of " + std::to_string(size), 0);
  consume(lf + 1);
  body_seen_ += size;
  remaining_ = size;
  state_ = size == 0 ? state::trailer : state::chunk_data;
  if (size == 0) scanned_ = line_ = lines_ = 0;
  return input::end;
}

input message_reader::chunk_end() {
  const std::string_view text = there();
  for (std::size_t i = 0; i < std::min<std::size_t>(text.size(), 2); ++i)
    if (text[i] != "\r\n"[i]) return refuse(rule::chunk_end, printable(text.substr(0, i + 1)), i);
  if (text.size() < 2) return more_or_cut_off();
  consume(2);
  state_ = state::chunk_line;
  return input::end;
}

input message_reader::whole_trailer() {
  const long size = scan(true);
  if (size == -2) return input::failed;
  if (size == -1) return more_or_cut_off();
  const std::string_view text = there().substr(0, static_cast<std::size_t>(size));
  scanned_ = line_ = lines_ = 0;
  if (!read_trailer(text)) {
    state_ = state::failed;
    return input::failed;
  }
  consume(text.size());
  state_ = state::end;
  return next();
}

}  // namespace weir::net::http
