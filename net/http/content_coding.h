// weir::net::http::content_decoder: what a server has sent in a smaller form, inflated piece by piece.
//   content_decoder d(content_coding::gzip);
//   auto step = d.decode(in, out);     consumes some of `in`, fills some of `out`
//
// Thread-safety: a value for one at a time. No input or output of its own.
//
// A body is inflated by a factor of a thousand if somebody wants it to be (a "gzip bomb"), so size and ratio are
// bounded, and a step never makes more than fits into `out`.
//
// Source: RFC 9110, section 8.4.1; RFC 1950 to 1952. A "deflate" body should be a zlib stream; as some servers send it
// without zlib's header, and all browsers take that, so does this. A gzip body may have several members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "weir/net/buffer.h"

namespace weir::net::http {

enum class content_coding : std::uint8_t { identity, gzip, deflate };

// What the field Content-Encoding says: "gzip", "x-gzip", "deflate", "identity" or nothing, in any case. Empty: one
// that is not known here, or several.
std::optional<content_coding> coding_of(std::string_view content_encoding) noexcept;
// What a client that can decode all of them says in Accept-Encoding.
inline constexpr std::string_view accepted_codings = "gzip, deflate";

struct inflate_limits {
  // The most bytes that may come out.
  std::uint64_t most = std::uint64_t{1} << 30;
  // How many times as much may come out as has gone in, once more than `ratio_from` bytes are out. Text seldom reaches
  // 20; deflate's own limit is 1032. 0: any ratio.
  std::uint64_t most_ratio = 200;
  std::uint64_t ratio_from = std::uint64_t{1} << 20;
};

enum class decode_status : std::uint8_t {
  more,      // all of `in` is consumed, or `out` is full: go on
  done,      // the coded form has come to its end
  damaged,   // it is not of this coding, or a checksum is wrong; also bytes after its end
  too_long,  // inflate_limits::most
  too_dense  // inflate_limits::most_ratio
};
// "more", "done", "damaged", "too_long", "too_dense".
const char* name_of(decode_status s) noexcept;

class content_decoder {
 public:
  // Allocates some 40 KB for gzip and deflate. Throws std::bad_alloc.
  explicit content_decoder(content_coding coding, inflate_limits limits = {});
  content_decoder(content_decoder&&) noexcept;
  content_decoder& operator=(content_decoder&&) noexcept;
  ~content_decoder();

  struct [[nodiscard]] step {
    decode_status status = decode_status::more;
    std::size_t consumed = 0, produced = 0;
  };
  // Goes on with `in`. After damaged, too_long and too_dense it says so for ever. Does not throw, does not allocate.
  step decode(const_buffer in, mutable_buffer out) noexcept;
  // There is no more: done, or damaged if something was missing. REQUIRES: all was consumed, and `out` not full at the
  // last step.
  decode_status finish() noexcept;

  std::uint64_t consumed() const noexcept { return consumed_; }
  std::uint64_t produced() const noexcept { return produced_; }

 private:
  struct inflater;

  step inflate_some(const_buffer in, mutable_buffer out) noexcept;
  decode_status check() noexcept;

  content_coding coding_;
  inflate_limits limits_;
  decode_status status_ = decode_status::more;
  std::uint64_t consumed_ = 0, produced_ = 0;
  std::unique_ptr<inflater> inflater_;
};

}  // namespace weir::net::http
