#include "tests/net/http/http_fuzz.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tests/net/http/events.h"
#include "weir/net/http/reader.h"
#include "weir/net/http/writer.h"

namespace fuzz {
namespace {

using namespace weir::net::http;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "http_fuzz: %s\n", what);
  std::abort();
}

// The first octet of an input.
constexpr unsigned response_side = 1, small = 2, to_head = 4, to_connect = 8, ends = 16;

limits limits_of(unsigned as) {
  if (as & small)
    return {.start_line = 60, .head = 200, .fields = 5, .body = 100, .chunk_line = 10, .chunk_extensions = 20};
  return {.body = 1 << 16};
}

struct result {
  std::vector<std::string> events;
  std::uint64_t offset = 0;
  std::string failure, unread;
  rule broken = rule::none;

  friend bool operator==(const result&, const result&) = default;
};

// Of the last response, if what follows it is another protocol's (RFC 9110, 9.3.6 and 15.2.2).
bool is_behind_http(const response_reader& in, unsigned as) {
  const status s = in.head().status;
  return s == status::switching_protocols || ((as & to_connect) && !(as & to_head) && is_success(s));
}
bool is_behind_http(const request_reader&, unsigned) { return false; }

// What is behind the first message, if the connection is another protocol's from there on: what the reader has not read
// of it, and what it was not given.
template <class Reader, class Piece>
std::string unread_behind_first(Reader& in, std::string_view bytes, Piece piece) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t n = in.feed({rest.data(), std::min(rest.size(), piece(rest.size()))});
    if (n == 0) return "";
    rest.remove_prefix(n);
    for (input i = in.next(); i != input::more; i = in.next()) {
      if (i == input::failed) return "";
      if (i != input::end) continue;
      const std::uint64_t at = in.offset();
      std::string unread = in.take_unread().append(rest);
      must(unread == bytes.substr(at), "what is unread is what is behind the message");
      must(in.offset() == bytes.size() - rest.size(), "what was taken was read");
      return unread;
    }
  }
  return "";
}

// `in`, `other`: the same, and both at the beginning.
template <class Reader>
result read(Reader& in, Reader& other, unsigned as, std::string_view bytes, unsigned seed) {
  const bool whole = seed == 0;
  const auto piece = [&](std::size_t left) {
    if (whole) return left;
    seed = seed * 1'103'515'245 + 12'345;
    return static_cast<std::size_t>(seed % 2 ? 1 + (seed >> 16) % 3000 : 1 + (seed >> 16) % 7);
  };
  result r;
  r.events = testing::events_of(in, bytes, piece);
  r.unread = unread_behind_first(other, bytes, piece);
  if (as & ends && !in.failure()) {
    in.ended();
    const input last = in.next();
    must(last == input::end || last == input::failed || in.at_boundary() || is_behind_http(in, as),
         "an end is an end, a failure, or comes between messages, or behind the last one");
  }
  must(static_cast<bool>(in.failure()) == (in.next() == input::failed), "failed is a failure");
  r.offset = in.offset();
  r.broken = in.failure().broken;
  if (in.failure()) r.failure = in.failure().text();
  return r;
}

// What a reader took is written, and read as the same.
void again(const request& r) {
  std::string out;
  request copy = r;
  for (const char* name : {"Content-Length", "Transfer-Encoding"}) copy.headers.erase(name);
  if (copy.version == version::http_1_1) copy.headers.set("Host", copy.headers.get("Host").value_or("x"));
  write_head(out, copy, body_plan::none());
  request_reader in({.start_line = 1 << 20, .head = 1 << 20, .fields = 1000});
  std::string_view rest = out;
  while (!rest.empty() && !in.failure()) {
    rest.remove_prefix(in.feed({rest.data(), rest.size()}));
    if (in.next() == input::head) break;
  }
  must(rest.empty() && !in.failure(), "what is written can be read");
  copy.headers.erase("Content-Length");
  headers got = in.head().headers;
  got.erase("Content-Length");
  must(got == copy.headers && in.head().target == copy.target, "what is written is not what is read");
}

template <class Reader>
void heads(std::string_view bytes, unsigned as) {
  Reader in(limits_of(as));
  while (!bytes.empty() && !in.failure()) {
    const std::size_t n = in.feed({bytes.data(), bytes.size()});
    if (n == 0) return;
    bytes.remove_prefix(n);
    for (input i = in.next(); i != input::more && i != input::failed; i = in.next()) {
      must(i != input::body || !in.piece().empty(), "a piece is not empty");
      if (i != input::head) continue;
      for (const field& f : in.head().headers) {
        must(is_token(f.name), "a name is a token");
        must(is_field_value(f.value) && trimmed(f.value) == f.value, "a value has no control characters");
      }
      if constexpr (std::is_same_v<Reader, request_reader>) again(in.head());
    }
  }
}

}  // namespace

void http(std::string_view text) {
  if (text.size() < 2) return;
  const auto as = static_cast<std::uint8_t>(text[0]), seed = static_cast<std::uint8_t>(text[1]);
  const std::string_view bytes = text.substr(2);
  const auto both = [&](auto make) {
    const result whole = read(*make(), *make(), as, bytes, 0), split = read(*make(), *make(), as, bytes, 1u + seed);
    must(whole.events == split.events, "pieces change what is read");
    must(whole == split, "pieces change what is wrong");
    must(whole.offset <= bytes.size(), "an offset is within what came");
  };
  if (as & response_side) {
    both([&] {
      auto in = std::make_unique<response_reader>(limits_of(as));
      in->expect(as & to_head ? method::head : as & to_connect ? method::connect : method::get);
      return in;
    });
    heads<response_reader>(bytes, as);
  } else {
    both([&] { return std::make_unique<request_reader>(limits_of(as)); });
    heads<request_reader>(bytes, as);
  }
}

std::vector<std::string> http_seeds() {
  const auto seed = [](unsigned as, std::string_view bytes) {
    return std::string{static_cast<char>(as), '\x11'}.append(bytes);
  };
  const std::string get = "GET /a?b=c HTTP/1.1\r\nHost: x:80\r\nAccept: a, b\r\nX-Empty:\r\n\r\n";
  const std::string post = "\r\nPOST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
  const std::string put =
      "PUT http://x/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\nA;name=\"v\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n";
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
  const std::string chunked = "HTTP/1.1 206 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
  return {
      seed(0, get + post + put + get),
      seed(small, "GET / HTTP/1.0\r\n\r\n" + post + put),
      seed(ends, put + post + "OPTIONS * HTTP/1.1\r\nHost:\r\n"),
      seed(0, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
      seed(0, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
      seed(0, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\n"),
      seed(0, "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n"),
      seed(0, "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03\x01"),
      seed(response_side, "HTTP/1.1 100 Continue\r\n\r\n" + ok + chunked),
      seed(response_side | ends, ok + "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nuntil the end"),
      seed(response_side | ends | small, chunked + "HTTP/1.1 200 OK\r\n\r\n" + std::string(200, 'b')),
      seed(response_side | to_head, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + ok),
      seed(response_side | to_connect, "HTTP/1.1 200 OK\r\n\r\ntunnel"),
      seed(response_side | to_connect | ends, "HTTP/1.1 200 OK\r\n\r\n"),
      seed(response_side, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01z"),
  };
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::http({reinterpret_cast<const char*>(data), size});
  return 0;
}
