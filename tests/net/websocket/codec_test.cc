#include "weir/net/websocket/codec.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/websocket/frames.h"
#include "weir/net/websocket/internal/utf8.h"

using namespace weir::net::websocket;
using wire::frame;
using wire::read;

namespace {

const std::string euro = "\xE2\x82\xAC";

// A conversation of a client, with all that is allowed.
std::string allowed() {
  return frame(wire::text, "hello") + frame(wire::text, "") + frame(wire::binary, std::string("\0\xFF", 2)) +
         frame(wire::text, euro.substr(0, 1), {.fin = false}) + frame(wire::ping, "p") +
         frame(wire::continuation, "", {.fin = false}) + frame(wire::continuation, euro.substr(1, 1), {.fin = false}) +
         frame(wire::pong, std::string(125, 'q')) + frame(wire::continuation, euro.substr(2)) +
         frame(wire::binary, std::string(126, 'm')) + frame(wire::close, wire::close_payload(1001, "bye"));
}

rule broken_by(const std::string& bytes, role side = role::server, std::size_t limit = 1 << 20) {
  const wire::outcome o = read(bytes, std::string::npos, side, limit);
  CHECK(o == read(bytes, 1, side, limit));
  return o.broken;
}

}  // namespace

TEST_CASE("messages and control frames come out the same wherever the bytes are cut") {
  const std::string all = allowed();
  const wire::outcome whole = read(all);
  REQUIRE(whole.events.size() == 8);
  CHECK(whole.events[0] == wire::event{input::message, message::text("hello")});
  CHECK(whole.events[1] == wire::event{input::message, message::text("")});
  CHECK(whole.events[2] == wire::event{input::message, message::binary(std::string("\0\xFF", 2))});
  CHECK(whole.events[3] == wire::event{input::ping, message::binary("p")});
  CHECK(whole.events[4] == wire::event{input::pong, message::binary(std::string(125, 'q'))});
  CHECK(whole.events[5] == wire::event{input::message, message::text(euro)});
  CHECK(whole.events[6] == wire::event{input::message, message::binary(std::string(126, 'm'))});
  CHECK(whole.events[7].kind == input::close);
  CHECK(whole.close == close_reason{close_code::going_away, "bye"});
  CHECK(whole.close.describe() == "1001 (going_away): bye");
  for (std::size_t piece = 1; piece < 40; ++piece) CHECK(read(all, piece) == whole);
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    decoder d(role::server, 1 << 20);
    std::vector<wire::event> events = wire::decode(d, all.substr(0, cut));
    for (wire::event& e : wire::decode(d, all.substr(cut))) events.push_back(std::move(e));
    CHECK(events == whole.events);
  }
}

TEST_CASE("what an encoder writes a decoder of the other side reads, in all three forms of a length") {
  for (const role side : {role::client, role::server}) {
    const role other = side == role::client ? role::server : role::client;
    encoder out(side);
    std::string bytes;
    std::vector<wire::event> expected;
    for (const std::size_t n : {0, 1, 125, 126, 4095, 4096, 4097, 65535, 65536, 200'000}) {
      const message m = n % 2 ? message::binary(std::string(n, '\xFF')) : message::text(std::string(n, 'x'));
      out.add(bytes, m);
      expected.push_back({input::message, m});
    }
    out.ping(bytes, "ping");
    out.pong(bytes, "");
    out.close(bytes, close_code::normal, "done");
    expected.push_back({input::ping, message::binary("ping")});
    expected.push_back({input::pong, message::binary("")});
    expected.push_back({input::close});
    for (const std::size_t piece : {std::size_t{1}, std::size_t{4096}, bytes.size()}) {
      const wire::outcome o = read(bytes, piece, other);
      CHECK(o.events == expected);
      CHECK(o.close == close_reason{close_code::normal, "done"});
    }
  }
}

TEST_CASE("a server's frames are the bytes of the RFC, and a client's masks are never the same") {
  std::string bytes;
  encoder(role::server).add(bytes, message::text("Hello"));
  CHECK(bytes == "\x81\x05Hello");  // section 5.7
  bytes.clear();
  encoder out(role::client);
  for (int i = 0; i < 100; ++i) out.close(bytes, close_code::no_code, "");
  std::vector<std::string> masks;
  for (std::size_t at = 0; at < bytes.size(); at += 6) {
    CHECK(bytes.substr(at, 2) == "\x88\x80");
    masks.push_back(bytes.substr(at + 2, 4));
  }
  std::sort(masks.begin(), masks.end());
  CHECK(std::unique(masks.begin(), masks.end()) - masks.begin() > 95);  // of 2^32
}

TEST_CASE("a client must mask and a server must not") {
  CHECK(broken_by(frame(wire::text, "x", {.masked = false})) == rule::masked_by_client);
  CHECK(broken_by(frame(wire::close, "", {.masked = false})) == rule::masked_by_client);
  CHECK(broken_by(frame(wire::text, "x"), role::client) == rule::unmasked_by_server);
  CHECK(broken_by(frame(wire::text, "x", {.masked = false}), role::client) == rule::none);
  CHECK(read(frame(wire::text, "x", {.masked = false})).failure ==
        "WebSocket: a frame from a client must be masked (RFC 6455, section 5.1); got a text frame that is not (frame "
        "1). "
        "Set the bit, and mask with four octets that nobody can foresee.");
}

TEST_CASE("reserved bits and opcodes are refused") {
  for (unsigned rsv = 1; rsv < 8; ++rsv) CHECK(broken_by(frame(wire::text, "x", {.rsv = rsv})) == rule::reserved_bits);
  for (const unsigned opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    CHECK(broken_by(frame(opcode, "x")) == rule::opcode);
}

TEST_CASE("control frames are whole and short") {
  for (const unsigned opcode : {wire::close, wire::ping, wire::pong}) {
    CHECK(broken_by(frame(opcode, std::string(126, 'x'))) == rule::frame_header);
    CHECK(broken_by(frame(opcode, "", {.fin = false})) == rule::frame_header);
    CHECK(broken_by(frame(opcode, "12", {.form = 2})) == rule::frame_header);
  }
}

TEST_CASE("a length takes as few octets as it can and is below 2 to the 63rd") {
  CHECK(broken_by(frame(wire::binary, "12", {.form = 2})) == rule::frame_header);
  CHECK(broken_by(frame(wire::binary, "12", {.form = 8})) == rule::frame_header);
  CHECK(broken_by(frame(wire::binary, std::string(125, 'x'), {.form = 2})) == rule::frame_header);
  CHECK(broken_by(frame(wire::binary, std::string(65535, 'x'), {.form = 8})) == rule::frame_header);
  CHECK(broken_by("\x82\xFF\x80" + std::string(20, '\0')) == rule::frame_header);
}

TEST_CASE("messages do not overlap and continuations continue one") {
  const std::string first = frame(wire::text, "a", {.fin = false});
  CHECK(broken_by(frame(wire::continuation, "a")) == rule::continues_a_message);
  CHECK(broken_by(first + frame(wire::continuation, "b") + frame(wire::continuation, "c")) ==
        rule::continues_a_message);
  CHECK(broken_by(first + frame(wire::text, "b")) == rule::message_ends_first);
  CHECK(broken_by(first + frame(wire::binary, "b")) == rule::message_ends_first);
}

TEST_CASE("a message over the limit is refused by the first octet of the frame that says so") {
  CHECK(broken_by(frame(wire::binary, std::string(10, 'x')), role::server, 10) == rule::none);
  CHECK(broken_by(frame(wire::binary, std::string(11, 'x')), role::server, 10) == rule::message_size);
  const std::string parts =
      frame(wire::binary, std::string(6, 'x'), {.fin = false}) + frame(wire::continuation, "12345");
  CHECK(broken_by(parts, role::server, 11) == rule::none);
  CHECK(broken_by(parts, role::server, 10) == rule::message_size);
  CHECK(
      read(parts, 1, role::server, 10).failure ==
      "WebSocket: a message must not be longer than this side takes (RFC 6455, section 7.4.1); got 5 octets after 6 of "
      "the same message, and it takes 10 (frame 2). Send less, or in several messages; this side's limit is "
      "options::message.");
  // 2^62 octets are claimed, and one comes.
  const std::string claim = "\x82\xFF\x40" + std::string(7, '\0') + "mask";
  decoder d(role::server, 1 << 20);
  CHECK(wire::decode(d, claim).empty());
  CHECK(wire::decode(d, "1").back().kind == input::failed);
  CHECK(d.failure().broken == rule::message_size);
  CHECK(describe(rule::message_size).code == close_code::too_big);
}

TEST_CASE("text is UTF-8 and fails at the first octet that cannot be") {
  for (const char* good : {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "\x7F"})
    CHECK(broken_by(frame(wire::text, good)) == rule::none);
  const std::vector<std::string> bad = {"\x80",         "\xBF",         "\xC0\xAF",         "\xC1\xBF",
                                        "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
                                        "\xF5",         "\xFF",         "\xE2\x82x",        "\xE2x"};
  for (const std::string& text : bad) {
    CHECK(broken_by(frame(wire::text, text)) == rule::text);
    CHECK(broken_by(frame(wire::binary, text)) == rule::none);
    // One octet for each frame.
    std::string split;
    for (std::size_t i = 0; i < text.size(); ++i)
      split += frame(i == 0 ? wire::text : wire::continuation, text.substr(i, 1), {.fin = false});
    CHECK(broken_by(split) == rule::text);
    // Before the rest of the frame has come.
    decoder d(role::server, 1 << 20);
    const std::string begun = frame(wire::text, text + std::string(100, 'x')).substr(0, 6 + text.size());
    CHECK(wire::decode(d, begun) == std::vector<wire::event>{{input::failed}});
  }
  CHECK(broken_by(frame(wire::text, "\xE2\x82")) == rule::text);
  CHECK(broken_by(frame(wire::text, "\xE2", {.fin = false}) + frame(wire::continuation, "\x82")) == rule::text);
  CHECK(describe(rule::text).code == close_code::bad_text);
}

TEST_CASE("the check of UTF-8 agrees with a table of all characters") {
  unsigned long wrong = 0;
  for (unsigned long c = 0; c < 0x120000; ++c) {
    std::string s;
    if (c < 0x80)
      s = {static_cast<char>(c)};
    else if (c < 0x800)
      s = {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    else if (c < 0x10000)
      s = {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
           static_cast<char>(0x80 | (c & 63))};
    else
      s = {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)),
           static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
    const bool exists = c < 0x110000 && (c < 0xD800 || c > 0xDFFF);
    wrong += is_utf8(s) != exists;
    wrong += s.size() > 1 && is_utf8(s.substr(0, s.size() - 1));
  }
  CHECK(wrong == 0);
  internal::utf8_check failed;
  CHECK(failed.add("x\xFF") == 1);
  CHECK(failed.add("x") == 0);
}

TEST_CASE("a close frame has a code that may be sent and a reason in UTF-8 or nothing") {
  const auto closed = [](const std::string& payload) { return broken_by(frame(wire::close, payload)); };
  CHECK(closed("") == rule::none);
  CHECK(read(frame(wire::close, "")).close.code == close_code::no_code);
  CHECK(closed("\x03") == rule::close_size);
  CHECK(closed(wire::close_payload(1000, std::string(123, 'r'))) == rule::none);
  CHECK(closed(wire::close_payload(1000, "\xE2\x82")) == rule::close_text);
  for (unsigned code = 0; code < 65536; ++code) {
    const bool good =
        (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
    if (may_be_sent(static_cast<close_code>(code)) != good) FAIL("may_be_sent(" << code << ")");
    if (code < 900 || (code > 1100 && code < 2990) || (code > 3010 && code < 4990) || code > 5010) continue;
    CHECK(closed(wire::close_payload(code)) == (good ? rule::none : rule::close_code));
  }
}

TEST_CASE("nothing after a close frame or a violation is read") {
  decoder closed(role::server, 1 << 20);
  CHECK(wire::decode(closed, frame(wire::close, "") + frame(wire::text, "late")) ==
        std::vector<wire::event>{{input::close}});
  CHECK(wire::decode(closed, frame(wire::text, "later")) == std::vector<wire::event>{{input::close}});
  decoder failed(role::server, 1 << 20);
  CHECK(wire::decode(failed, frame(3, "")) == std::vector<wire::event>{{input::failed}});
  CHECK(wire::decode(failed, frame(wire::text, "later")) == std::vector<wire::event>{{input::failed}});
  CHECK(failed.failure().broken == rule::opcode);
}

TEST_CASE("every rule says its sentence and section and remedy and closes with what may be sent") {
  for (int i = 1; i < static_cast<int>(rule::count_of_rules); ++i) {
    const rule_text& t = describe(static_cast<rule>(i));
    CHECK_FALSE(t.name.empty());
    CHECK_FALSE(t.sentence.empty());
    CHECK(t.sentence.size() <= most_close_text);
    CHECK_FALSE(t.section.empty());
    CHECK_FALSE(t.remedy.empty());
    CHECK(may_be_sent(t.code));
  }
}
