// One question to the name servers: the IPv4 and the IPv6 addresses of a name, asked for at once.
//
// Thread-safety: all of it.
//
// Each query has a c-ares channel of its own, which lives on the caller's stack: no lock, no actor in the background,
// no hand-over when a caller is cancelled. Its sockets are in an epoll set, and the caller waits for that. What a
// channel shares with others, the answers, is in the resolver's cache.
#pragma once

#include <chrono>
#include <string>

#include "weir/net/dns/internal/answer.h"
#include "weir/net/dns/internal/name_servers.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net::internal {

// `name`: as host_name says; with a dot at its end it is not looked for in search domains. `other_family`: once one
// family has answered with addresses, how long the other one is waited for; with fewer than both, the answer is good
// for no time. Parks; a cancel throws weir::cancelled; the limit throws net::error (errc::timeout). What the name
// servers say, their silence included, is in the answer; good_for says 0 for what is not theirs to say. Allocates.
answer ask_name_servers(const name_servers& whom, const std::string& name, std::chrono::milliseconds other_family,
                        deadline limit);

}  // namespace weir::net::internal
