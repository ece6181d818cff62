#include "weir/net/http/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "weir/net/http/headers.h"

namespace weir::net::http {
namespace {

constexpr int largest_window = 15;
constexpr int with_gzip_header = 16 + largest_window;

uInt at_once(std::size_t n) noexcept {
  return static_cast<uInt>(std::min<std::size_t>(n, std::numeric_limits<uInt>::max()));
}

// RFC 1950, section 2.2: a method of 8, a window of at most 32 KiB, and a checksum over both bytes.
bool zlib_header(unsigned first, unsigned second) noexcept {
  return (first & 15) == 8 && (first >> 4) <= 7 && (first * 256 + second) % 31 == 0;
}

}  // namespace

std::optional<content_coding> coding_of(std::string_view text) noexcept {
  text = trimmed(text);
  if (text.empty() || equal_names(text, "identity")) return content_coding::identity;
  if (equal_names(text, "gzip") || equal_names(text, "x-gzip")) return content_coding::gzip;
  if (equal_names(text, "deflate")) return content_coding::deflate;
  return {};
}

const char* name_of(decode_status s) noexcept {
  switch (s) {
    case decode_status::more:
      return "more";
    case decode_status::done:
      return "done";
    case decode_status::damaged:
      return "damaged";
    case decode_status::too_long:
      return "too_long";
    case decode_status::too_dense:
      return "too_dense";
  }
  return "?";
}

struct content_decoder::inflater {
  explicit inflater(int window_bits) {
    if (inflateInit2(&state, window_bits) != Z_OK) throw std::bad_alloc();
  }
  inflater(const inflater&) = delete;
  ~inflater() { inflateEnd(&state); }

  z_stream state{};
  bool between = false;  // gzip: a member has ended, and perhaps another one begins
  bool any = false;      // something has been consumed
  // deflate: the first byte, until the second one tells whether they are zlib's header; -1: none is held back
  int held = -1;
  bool decided = false;
};

content_decoder::content_decoder(content_coding coding, inflate_limits limits) : coding_(coding), limits_(limits) {
  if (coding != content_coding::identity)
    inflater_ = std::make_unique<inflater>(coding == content_coding::gzip ? with_gzip_header : largest_window);
}
content_decoder::content_decoder(content_decoder&&) noexcept = default;
content_decoder& content_decoder::operator=(content_decoder&&) noexcept = default;
content_decoder::~content_decoder() = default;

decode_status content_decoder::check() noexcept {
  if (produced_ > limits_.most) return decode_status::too_long;
  if (coding_ != content_coding::identity && limits_.most_ratio != 0 && produced_ > limits_.ratio_from &&
      produced_ / limits_.most_ratio > consumed_)
    return decode_status::too_dense;
  return decode_status::more;
}

content_decoder::step content_decoder::decode(const_buffer in, mutable_buffer out) noexcept {
  step made;
  if (status_ != decode_status::more && status_ != decode_status::done) {
    made.status = status_;
    return made;
  }
  if (coding_ == content_coding::identity) {
    made.consumed = made.produced = std::min(in.size(), out.size());
    std::copy_n(in.data(), made.produced, out.data());
  } else {
    made = inflate_some(in, out);
  }
  consumed_ += made.consumed, produced_ += made.produced;
  status_ = made.status;
  if (const decode_status limit = check(); limit != decode_status::more && status_ != decode_status::damaged)
    status_ = limit;
  made.status = status_;
  return made;
}

content_decoder::step content_decoder::inflate_some(const_buffer in, mutable_buffer out) noexcept {
  step made;
  z_stream& z = inflater_->state;
  made.status = status_;
  // The first byte is given to zlib only when the second one has told what they are.
  if (coding_ == content_coding::deflate && !inflater_->decided) {
    while (made.consumed < in.size() && !inflater_->decided) {
      const int byte = std::to_integer<int>(in.data()[made.consumed]);
      if (inflater_->held < 0) {
        inflater_->held = byte;
        inflater_->any = true;
        ++made.consumed;
        continue;
      }
      inflater_->decided = true;
      if (!zlib_header(static_cast<unsigned>(inflater_->held), static_cast<unsigned>(byte)))
        inflateReset2(&z, -largest_window);
      auto first = static_cast<Bytef>(inflater_->held);
      Bytef none = 0;
      z.next_in = &first, z.avail_in = 1;
      z.next_out = &none, z.avail_out = 0;  // one byte is never enough to make another
      const int r = inflate(&z, Z_NO_FLUSH);
      if (r != Z_OK && r != Z_BUF_ERROR) {
        made.status = decode_status::damaged;
        return made;
      }
    }
    if (!inflater_->decided) return made;
  }
  while (made.status == decode_status::more || inflater_->between) {
    if (inflater_->between) {
      // Zeros may pad the end (as tapes had it); what else comes begins another member.
      while (made.consumed < in.size() && in.data()[made.consumed] == std::byte{0}) ++made.consumed;
      if (made.consumed == in.size()) return made;
      inflateReset(&z);
      inflater_->between = false;
      made.status = decode_status::more;
    }
    const const_buffer from = in.from(made.consumed);
    const mutable_buffer to = out.from(made.produced);
    // zlib takes no null pointer, not even for nothing.
    Bytef none = 0;
    z.next_in = from.empty() ? &none : reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data()));
    z.next_out = to.empty() ? &none : reinterpret_cast<Bytef*>(to.data());
    z.avail_in = at_once(from.size()), z.avail_out = at_once(to.size());
    const uInt had_in = z.avail_in, had_out = z.avail_out;
    const int r = inflate(&z, Z_NO_FLUSH);
    made.consumed += had_in - z.avail_in, made.produced += had_out - z.avail_out;
    inflater_->any = inflater_->any || had_in != z.avail_in;
    if (r == Z_STREAM_END) {
      made.status = decode_status::done;
      inflater_->between = coding_ == content_coding::gzip;
    } else if (r == Z_BUF_ERROR || (r == Z_OK && (z.avail_out == 0 || made.consumed == in.size()))) {
      return made;  // no room, or nothing to go on with
    } else if (r != Z_OK) {
      made.status = decode_status::damaged;
      return made;
    }
  }
  if (made.status == decode_status::done && made.consumed < in.size()) made.status = decode_status::damaged;
  return made;
}

decode_status content_decoder::finish() noexcept {
  if (coding_ == content_coding::identity && status_ == decode_status::more) status_ = decode_status::done;
  // A body of no bytes is what servers send with HEAD and 304, whatever they say of its coding.
  if (status_ == decode_status::more) status_ = inflater_->any ? decode_status::damaged : decode_status::done;
  return status_;
}

}  // namespace weir::net::http
