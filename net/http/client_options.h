// What a client is made with, and what is said of one request.
//
// Thread-safety: values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "weir/net/http/content_coding.h"
#include "weir/net/http/headers.h"
#include "weir/net/http/limits.h"
#include "weir/net/http/method.h"
#include "weir/net/http/url.h"
#include "weir/net/stream.h"
#include "weir/net/tls/tls_client.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net::http {

struct client_options {
  // Connections in use to one origin (scheme, host and port) at once, from 1. Who finds none free waits.
  int per_host = 16;
  // Connections in use or kept for later requests, of all hosts together: when there are more, the ones kept for the
  // longest go. Those in use may be more; then none is kept.
  std::size_t connections = 256;
  // How long one is kept. What is due goes with the next request to anywhere, or with close_idle().
  std::chrono::nanoseconds idle_time = std::chrono::seconds(30);
  // One attempt to connect, the name's look-up and TLS's handshake included, takes no longer; it may be made again.
  std::chrono::nanoseconds connect_limit = std::chrono::seconds(10);
  // Before the first retry, about; before each further one twice as long, at most 10 s, with a jitter. A server that
  // says Retry-After is obeyed instead.
  std::chrono::nanoseconds backoff = std::chrono::milliseconds(100);
  // Of every request that does not have them itself.
  http::headers headers = {{"User-Agent", "weir"}, {"Accept", "*/*"}};
  // `body`: what fetch() keeps of a body, inflated. A streamed body has the bound of `inflate` only, if it is coded.
  http::limits limits = {};
  inflate_limits inflate = {};
  // Empty: one that trusts whom the system trusts, made for the first https request.
  std::optional<tls_client> tls = {};
  // In place of net::dial(): another way to the host, a proxy, a Unix socket. TLS comes on top of it for https.
  std::function<stream(const http::url& to, deadline limit)> dial = {};
};

struct fetch_options {
  // For all of it, redirects, retries and the body among it; counted from the call.
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  // How many times it is tried again when it fails in a way that another attempt may not: nobody answers, the
  // connection breaks, 429, 502, 503, 504. A request that is not idempotent (POST, PATCH) only if none of it has been
  // sent.
  int retries = 2;
  // How many redirects are followed. 0: a redirect is a response as any other. To another origin Authorization and
  // Cookie do not go with it.
  int redirects = 10;
  // Also those from https to http, where whoever sits between reads and changes everything. Else they are an error.
  bool https_to_http = false;
  // Content-Length, Transfer-Encoding and Host are the client's. With Accept-Encoding or Range among them a body is
  // left as it comes, else it is inflated.
  http::headers headers = {};
  http::method method = http::method::get;
  std::string body = {};
  // And not beyond that: the deadline of something larger that this is a part of.
  deadline until = {};
};

}  // namespace weir::net::http
