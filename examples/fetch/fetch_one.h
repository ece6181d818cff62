// fetch_one: what becomes of one URL.
//
// Thread-safety: any actor, many at once with one client.
#pragma once

#include <cstddef>
#include <string>

#include "examples/fetch/options.h"
#include "examples/fetch/report.h"
#include "weir/net/http/client.h"

namespace fetcher {

struct job {
  std::size_t index = 0;  // among the URLs, from 0
  std::string url;
};

// Its body goes into a file of options::out, which has its name once it is whole, or is only counted: piece by piece,
// so that memory does not grow with it. Whatever fails, memory among it, is told in the outcome, and is the failure of
// this URL alone. Parks as http::client does, and while the disk writes; a cancel throws weir::cancelled and leaves no
// file.
outcome fetch_one(weir::net::http::client& web, const job& j, const options& o);

}  // namespace fetcher
