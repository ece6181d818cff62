// What comes from a stream, as text.
//
// Thread-safety: as the streams.
#pragma once

#include <cstddef>
#include <string>

#include "weir/net/stream.h"

namespace testing {

// What is there; at most `most`.
inline std::string some_of(const weir::net::stream& s, std::size_t most = 4096) {
  std::string got(most, '\0');
  const auto r = s.read_some(got);
  got.resize(r.bytes);
  return got;
}

// Until there is no more, for whatever reason.
inline std::string rest_of(const weir::net::stream& s) {
  std::string all;
  for (std::string part; !(part = some_of(s)).empty();) all += part;
  return all;
}

}  // namespace testing
