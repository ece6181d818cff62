// weir::net::http::limits: what this side accepts of a message; looked at before anything is waited or allocated for.
//
// Thread-safety: a value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::net::http {

struct limits {
  std::size_t start_line = 8 * 1024;         // octets of the request line or status line: 414
  std::size_t head = 32 * 1024;              // octets of a head, its first line included, and of a trailer: 431
  std::size_t fields = 100;                  // of a head, and of a trailer: 431
  std::uint64_t body = 16 << 20;             // octets of a body, without the chunks' own: 413
  std::size_t chunk_line = 256;              // octets of the line before a chunk
  std::size_t chunk_extensions = 16 * 1024;  // octets of the extensions of all chunks of a body
};

}  // namespace weir::net::http
