#include "weir/net/websocket/handshake.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "weir/net/http/method.h"
#include "weir/runtime/base/errors.h"

using namespace weir::net;
using namespace weir::net::websocket;
using strings = std::vector<std::string>;

namespace {

const std::string rfc_key = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string rfc_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";  // section 1.3

http::request good_request() {
  return {.headers = {{"Host", "server.example.com:8080"},
                      {"Connection", "keep-alive, Upgrade"},
                      {"Upgrade", "WebSocket"},
                      {"Sec-WebSocket-Key", rfc_key},
                      {"Sec-WebSocket-Version", "13"},
                      {"Sec-WebSocket-Protocol", "chat"},
                      {"sec-websocket-protocol", "other ,superchat"}}};
}

http::response good_response() {
  return {.status = http::status::switching_protocols,
          .headers = {{"Connection", "Upgrade"}, {"Upgrade", "WebSocket"}, {"Sec-WebSocket-Accept", rfc_accept}}};
}

}  // namespace

TEST_CASE("the accept value is that of the RFC and keys are 16 octets that differ") {
  CHECK(accept_for(rfc_key) == rfc_accept);
  const std::string key = make_key();
  CHECK(key.size() == 24);
  CHECK(key != make_key());
  http::request r = good_request();
  r.headers.set("Sec-WebSocket-Key", key);
  CHECK(answer_to(r));
}

TEST_CASE("a request for WebSocket is accepted with the server's best subprotocol that the client offers") {
  const strings best_superchat = {"none", "superchat", "chat"}, other_case = {"Chat"};
  CHECK(answer_to(good_request()).protocol.empty());
  CHECK(answer_to(good_request(), best_superchat).protocol == "superchat");
  CHECK(answer_to(good_request(), other_case));
  CHECK(answer_to(good_request(), other_case).protocol.empty());
  const server_answer a = answer_to(good_request(), best_superchat);
  CHECK(a.response.headers == http::headers{{"Connection", "Upgrade"},
                                            {"Upgrade", "websocket"},
                                            {"Sec-WebSocket-Accept", rfc_accept},
                                            {"Sec-WebSocket-Protocol", "superchat"}});
}

TEST_CASE("a request that asks for something else is refused with a status and a sentence") {
  const auto refused = [](auto change) {
    http::request r = good_request();
    change(r);
    const server_answer a = answer_to(r);
    CHECK_FALSE(a);
    CHECK(a.response.headers.contains("Content-Type"));
    if (a.response.status == http::status::upgrade_required) {
      CHECK(a.response.headers.get("Sec-WebSocket-Version") == "13");
      CHECK(a.response.headers.get("Upgrade") == "websocket");
    }
    CHECK(a.response.headers.contains("Allow") == (a.response.status == http::status::method_not_allowed));
    return std::to_string(code_of(a.response.status)) + " " + a.response.body;
  };
  const auto with = [&](const char* name, const char* value) {
    return refused([&](http::request& r) { r.headers.set(name, value); });
  };
  const auto twice = [&](const char* name, const std::string& value) {
    return refused([&](http::request& r) { r.headers.add(name, value); });
  };
  const auto without = [&](const char* name) { return refused([&](http::request& r) { r.headers.erase(name); }); };
  CHECK(refused([](http::request& r) { r.method = http::method::post; }) ==
        "405 a WebSocket begins with GET; got \"POST\"\n");
  CHECK(refused([](http::request& r) { r.version = http::version::http_1_0; }) ==
        "400 a WebSocket begins with HTTP/1.1; got 1.0\n");
  CHECK(with("Upgrade", "h2c") == "426 this is a WebSocket: Upgrade must name websocket; got \"h2c\"\n");
  CHECK(without("Upgrade") == "426 this is a WebSocket: Upgrade must name websocket; got none\n");
  CHECK(with("Connection", "close, upgraded") == "400 Connection must name Upgrade; got \"close, upgraded\"\n");
  CHECK(without("Connection") == "400 Connection must name Upgrade; got none\n");
  CHECK(with("Sec-WebSocket-Version", "8") == "426 Sec-WebSocket-Version must be 13; got \"8\"\n");
  CHECK(twice("Sec-WebSocket-Version", "13") == "426 Sec-WebSocket-Version must be 13; got \"13, 13\"\n");
  CHECK(without("Sec-WebSocket-Version") == "426 Sec-WebSocket-Version must be 13; got none\n");
  for (const char* key : {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQAA",
                          "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub2\tjZQ=="})
    CHECK(with("Sec-WebSocket-Key", key).find("400 Sec-WebSocket-Key must be 16 octets in base64; got ") == 0);
  CHECK(twice("Sec-WebSocket-Key", rfc_key).find("400 Sec-WebSocket-Key must be 16 octets") == 0);
  CHECK(without("Sec-WebSocket-Key") == "400 Sec-WebSocket-Key must be 16 octets in base64; got none\n");
}

TEST_CASE("pages of the host that was asked or those that are named may ask and others may not") {
  const auto may = [](const char* origin, const strings& origins = {}) {
    http::request r = good_request();
    r.headers.set("Origin", origin);
    const server_answer a = answer_to(r, {}, origins);
    if (!a) {
      CHECK(a.response.status == http::status::forbidden);
      CHECK(a.response.body == "Origin must be a page that may ask here; got \"" + std::string(origin) + "\"\n");
    }
    return static_cast<bool>(a);
  };
  CHECK(may("http://server.example.com:8080"));
  CHECK(may("https://Server.Example.com:8080"));
  for (const char* bad : {"http://server.example.com", "http://evil.example",
                          "http://server.example.com:8080.evil.example", "server.example.com:8080", "null", "http://"})
    CHECK_FALSE(may(bad));
  CHECK(may("https://other.example", {"https://a.example", "https://other.example"}));
  CHECK_FALSE(may("http://server.example.com:8080", {"https://other.example"}));
  CHECK(may("null", {"*"}));
}

TEST_CASE("an answer that does not agree is refused in words and what a peer says is shown short and printable") {
  const auto wrong = [](const char* name, const std::string& value, const strings& offered = {}) {
    http::response r = good_response();
    r.headers.set(name, value);
    return disagreement(r, rfc_key, offered);
  };
  CHECK(disagreement(good_response(), rfc_key) == "");
  CHECK(wrong("Sec-WebSocket-Protocol", "chat", {"superchat", "chat"}) == "");
  CHECK(wrong("Sec-WebSocket-Protocol", "chat") == "the subprotocol must be one that was offered; got \"chat\"");
  CHECK(wrong("Sec-WebSocket-Protocol", "a, b", {"a", "b"}) ==
        "the subprotocol must be one that was offered; got \"a, b\"");
  CHECK(wrong("Upgrade", "h2") == "Upgrade must be websocket; got \"h2\"");
  CHECK(wrong("Upgrade", "websocket, h2") == "Upgrade must be websocket; got \"websocket, h2\"");
  CHECK(wrong("Connection", "close") == "Connection must name Upgrade; got \"close\"");
  CHECK(wrong("Sec-WebSocket-Accept", "x\xFF\"y") ==
        "Sec-WebSocket-Accept must be " + rfc_accept + "; got \"x\\xff\\x22y\"");
  CHECK(wrong("Sec-WebSocket-Accept", "") == "Sec-WebSocket-Accept must be " + rfc_accept + "; got none");
  CHECK(wrong("Sec-WebSocket-Extensions", std::string(100, 'e')) ==
        "no extension was offered; got \"" + std::string(64, 'e') + "\"...");
  http::response r = good_response();
  r.status = http::status::ok;
  CHECK(disagreement(r, rfc_key) == "the answer must be 101; got 200");
}

TEST_CASE("a request has what a server wants and cannot be broken up by what the caller gives") {
  const strings protocols = {"chat", "superchat"};
  const http::request r =
      make_request("example.com:8080", "/chat?x=1", rfc_key, protocols, {{"Origin", "http://a.example"}});
  CHECK(r.target == "/chat?x=1");
  CHECK(r.headers == http::headers{{"Host", "example.com:8080"},
                                   {"Connection", "Upgrade"},
                                   {"Upgrade", "websocket"},
                                   {"Sec-WebSocket-Version", "13"},
                                   {"Sec-WebSocket-Key", rfc_key},
                                   {"Sec-WebSocket-Protocol", "chat, superchat"},
                                   {"Origin", "http://a.example"}});
  CHECK(answer_to(make_request("h", "/", make_key())));
  for (const char* host : {"", "a b", "a/b", "user@a", "a,b", "a\r\nX: y"})
    CHECK_THROWS_AS(make_request(host, "/", rfc_key), weir::misuse);
  CHECK_THROWS_AS(make_request("h", "x", rfc_key), weir::misuse);
  const strings bad = {"a b"};
  CHECK_THROWS_WITH(
      make_request("h", "/", rfc_key, bad),
      Catch::StartsWith("websocket request: a subprotocol must be a token (RFC 9110, 5.6.2), got \"a b\""));
  for (const char* own : {"host", "Upgrade", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"})
    CHECK_THROWS_AS(make_request("h", "/", rfc_key, {}, {{own, "x"}}), weir::misuse);
}
