// Splits heads into their parts; the only place that knows Boost.Beast.
//
// Thread-safety: as free functions.
//
// Beast's parser takes what a reader has found whole and free of bare CR and LF, control characters and folded lines,
// all of which it lets pass somewhere. What makes up a body is not left to it: it adds up chunk sizes that wrap, does
// not bound a chunk's line, and takes Content-Length twice.
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/net/http/headers.h"
#include "weir/net/http/request.h"
#include "weir/net/http/response.h"
#include "weir/net/http/violation.h"

namespace weir::net::http::internal {

// `head`: from its first line to its empty line. `offset`: of its first octet, for `failure`. False: failed.
bool parse_head(std::string_view head, std::uint64_t offset, request& into, violation& failure);
bool parse_head(std::string_view head, std::uint64_t offset, response& into, violation& failure);

// `lines`: fields, and an empty line.
bool parse_trailer(std::string_view lines, std::uint64_t offset, headers& into, violation& failure);

// Where the `nth` line (from 0) of `head` begins whose field is `name`; 0: there is none.
std::size_t line_of(std::string_view head, std::string_view name, std::size_t nth) noexcept;

}  // namespace weir::net::http::internal
