// What a reader makes of bytes, in whatever pieces, as text that can be compared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "weir/net/http/reader.h"

namespace testing {

inline std::string start_of(const weir::net::http::request& r) {
  return std::string(name_of(r.method)) + " " + r.target + (r.keeps_alive() ? "" : " close");
}
inline std::string start_of(const weir::net::http::response& r) {
  return std::to_string(code_of(r.status)) + " " + r.reason + (r.keeps_alive() ? "" : " close");
}
inline std::string text_of(const weir::net::http::headers& h) {
  std::string text;
  for (const weir::net::http::field& f : h) text += "|" + f.name + ":" + f.value;
  return text;
}

// All that `bytes` give: "head GET /|Host:a", "body xyz", "end", "end|Trailer:x", "failed TEXT". Pieces of one body are
// one. `piece(n)`: how many of n octets go at once.
template <class Reader, class Piece>
std::vector<std::string> events_of(Reader& in, std::string_view bytes, Piece piece) {
  using weir::net::http::input;
  std::vector<std::string> all;
  const auto drain = [&] {
    for (;;) {
      switch (in.next()) {
        case input::more:
          return;
        case input::head:
          all.push_back("head " + start_of(in.head()) + text_of(in.head().headers));
          break;
        case input::body:
          if (!all.back().starts_with("body ")) all.push_back("body ");
          all.back() += in.piece();
          break;
        case input::end:
          all.push_back("end" + text_of(in.trailers()));
          break;
        case input::failed:
          if (all.empty() || !all.back().starts_with("failed")) all.push_back("failed " + in.failure().text());
          return;
      }
    }
  };
  while (!bytes.empty() && !in.failure()) {
    const std::size_t n =
        in.feed({bytes.data(), std::min(bytes.size(), std::max<std::size_t>(piece(bytes.size()), 1))});
    if (n == 0) break;  // over: what comes is no HTTP
    bytes.remove_prefix(n);
    drain();
  }
  return all;
}
template <class Reader>
std::vector<std::string> events_of(Reader& in, std::string_view bytes) {
  return events_of(in, bytes, [](std::size_t n) { return n; });
}
template <class Reader = weir::net::http::request_reader>
std::vector<std::string> events(std::string_view bytes, const weir::net::http::limits& most = {}) {
  Reader in(most);
  return events_of(in, bytes);
}

}  // namespace testing
