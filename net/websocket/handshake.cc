#include "weir/net/websocket/handshake.h"

#include <openssl/evp.h>
#include <sys/random.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/http/method.h"
#include "weir/net/http/status.h"
#include "weir/net/http/violation.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::websocket {
namespace {

constexpr std::string_view version = "13";
// Section 1.3: what no server that has not heard of WebSocket would append.
constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string base64(const unsigned char* bytes, std::size_t n) {
  std::array<unsigned char, 64> text;  // 20 octets become 28 and a zero
  const int length = EVP_EncodeBlock(text.data(), bytes, static_cast<int>(n));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

// 16 octets in base64: 22 letters of which the last carries two bits, and "==".
bool is_key(std::string_view key) noexcept {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  const std::string_view letters = key.substr(0, 22);
  return std::all_of(letters.begin(), letters.end(),
                     [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
                              c == '/';
                     }) &&
         std::string_view("AQgw").find(letters.back()) != std::string_view::npos;
}

// All fields of one name as one: what must be there once is not what it must be if it is there twice.
std::string joined(const http::headers& from, std::string_view name) {
  std::string all;
  for (const std::string_view value : from.all(name)) {
    if (!all.empty()) all += ", ";
    all += value;
  }
  return all;
}

// Unlike other names of HTTP subprotocols are compared with their case.
bool offers(std::string_view list, std::string_view protocol) noexcept {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (http::trimmed(list.substr(0, comma)) == protocol) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

// A peer's text, as it may be shown.
std::string shown(std::string_view text) { return text.empty() ? "none" : http::printable(text); }

bool may_ask(std::string_view origin, std::string_view host, std::span<const std::string> origins) noexcept {
  if (!origins.empty())
    return std::any_of(origins.begin(), origins.end(), [&](const std::string& o) { return o == "*" || o == origin; });
  const std::size_t at = origin.find("://");  // a page without a host has "null"
  return at != std::string_view::npos && http::equal_names(origin.substr(at + 3), host);
}

[[noreturn]] void refuse_to_ask(const char* rule, std::string_view value, const char* remedy, site where) {
  weir::internal::throw_misuse("websocket request", rule, shown(value), remedy, where);
}

}  // namespace

std::string make_key() {
  unsigned char nonce[16];
  if (getrandom(nonce, sizeof nonce, 0) != static_cast<ssize_t>(sizeof nonce)) throw_errno("getrandom", "");
  return base64(nonce, sizeof nonce);
}

std::string accept_for(std::string_view key) {
  const std::string text = std::string(key) + std::string(guid);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1) throw std::bad_alloc();
  return base64(digest, size);
}

http::request make_request(std::string_view host, std::string_view target, std::string_view key,
                           std::span<const std::string> protocols, const http::headers& more, site where) {
  if (host.empty() || host.find_first_of(" /@,") != std::string_view::npos)
    refuse_to_ask("a host must be a name or an address, and a port", host, "\"example.org:8080\"", where);
  if (!target.starts_with('/')) refuse_to_ask("a target must begin with /", target, "\"/feed?x=1\"", where);
  http::request r{.target = std::string(target)};  // what else is wrong with it write_head() says
  r.headers.add("Host", host, where);
  r.headers.add("Connection", "Upgrade");
  r.headers.add("Upgrade", "websocket");
  r.headers.add("Sec-WebSocket-Version", version);
  r.headers.add("Sec-WebSocket-Key", key, where);
  std::string offered;
  for (const std::string& p : protocols) {
    if (!http::is_token(p)) refuse_to_ask("a subprotocol must be a token (RFC 9110, 5.6.2)", p, "Rename it", where);
    if (!offered.empty()) offered += ", ";
    offered += p;
  }
  if (!offered.empty()) r.headers.add("Sec-WebSocket-Protocol", offered);
  for (const http::field& f : more) {
    if (r.headers.contains(f.name) || http::equal_names(f.name, "Sec-WebSocket-Protocol") ||
        http::equal_names(f.name, "Sec-WebSocket-Extensions"))
      refuse_to_ask("the fields of the handshake must be its own", f.name, "Leave it out", where);
    r.headers.add(f.name, f.value, where);
  }
  return r;
}

std::string disagreement(const http::response& r, std::string_view key, std::span<const std::string> offered) {
  if (r.status != http::status::switching_protocols)
    return "the answer must be 101; got " + std::to_string(code_of(r.status));
  if (const std::string got = joined(r.headers, "Upgrade"); !http::equal_names(got, "websocket"))
    return "Upgrade must be websocket; got " + shown(got);
  if (!r.headers.has_token("Connection", "upgrade"))
    return "Connection must name Upgrade; got " + shown(joined(r.headers, "Connection"));
  const std::string accept = accept_for(key);
  if (const std::string got = joined(r.headers, "Sec-WebSocket-Accept"); got != accept)
    return "Sec-WebSocket-Accept must be " + accept + "; got " + shown(got);
  if (const std::string got = joined(r.headers, "Sec-WebSocket-Extensions"); !got.empty())
    return "no extension was offered; got " + shown(got);
  if (const std::string got = joined(r.headers, "Sec-WebSocket-Protocol");
      !got.empty() && std::find(offered.begin(), offered.end(), got) == offered.end())
    return "the subprotocol must be one that was offered; got " + shown(got);
  return {};
}

server_answer answer_to(const http::request& r, std::span<const std::string> protocols,
                        std::span<const std::string> origins) {
  const http::headers& h = r.headers;
  const auto refuse = [](http::status s, const std::string& why, http::headers more = {}) {
    more.add("Content-Type", "text/plain; charset=utf-8");
    return server_answer{.response = {.status = s, .headers = std::move(more), .body = why + "\n"}};
  };
  const auto upgrade_required = [&](const std::string& why) {
    return refuse(http::status::upgrade_required, why,
                  {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Version", version}});
  };
  if (r.method != http::method::get)
    return refuse(http::status::method_not_allowed,
                  "a WebSocket begins with GET; got " + shown(http::name_of(r.method)), {{"Allow", "GET"}});
  if (r.version != http::version::http_1_1)
    return refuse(http::status::bad_request, "a WebSocket begins with HTTP/1.1; got 1.0");
  if (!h.has_token("Upgrade", "websocket"))
    return upgrade_required("this is a WebSocket: Upgrade must name websocket; got " + shown(joined(h, "Upgrade")));
  if (!h.has_token("Connection", "upgrade"))
    return refuse(http::status::bad_request, "Connection must name Upgrade; got " + shown(joined(h, "Connection")));
  if (const std::string got = joined(h, "Sec-WebSocket-Version"); got != version)
    return upgrade_required("Sec-WebSocket-Version must be 13; got " + shown(got));
  const std::string key = joined(h, "Sec-WebSocket-Key");
  if (!is_key(key))
    return refuse(http::status::bad_request, "Sec-WebSocket-Key must be 16 octets in base64; got " + shown(key));
  if (const std::string origin = joined(h, "Origin"); !origin.empty() && !may_ask(origin, joined(h, "Host"), origins))
    return refuse(http::status::forbidden, "Origin must be a page that may ask here; got " + shown(origin));

  server_answer answer;
  answer.response.status = http::status::switching_protocols;
  answer.response.headers = {
      {"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", accept_for(key)}};
  const std::string offered = joined(h, "Sec-WebSocket-Protocol");
  const auto best =
      std::find_if(protocols.begin(), protocols.end(), [&](const std::string& p) { return offers(offered, p); });
  if (best != protocols.end()) {
    answer.protocol = *best;
    answer.response.headers.add("Sec-WebSocket-Protocol", *best);
  }
  return answer;
}

}  // namespace weir::net::websocket
