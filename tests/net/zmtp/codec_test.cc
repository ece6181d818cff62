// Frames, messages and commands of a connection after its handshake, and its heartbeats.
#include <catch2/catch.hpp>
#include <chrono>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/net/zmtp/wire.h"
#include "tests/testing.h"
#include "weir/net/zmtp/decoder.h"
#include "weir/net/zmtp/encoder.h"
#include "weir/net/zmtp/heartbeat.h"
#include "weir/runtime/base/errors.h"

using namespace std::string_literals;
using namespace std::chrono_literals;
using weir::net::frame;
using weir::net::message;
using namespace weir::net::zmtp;
using wire::event;

namespace {

std::string some(std::size_t n, char first = 'a') {
  std::string s(n, '\0');
  for (std::size_t i = 0; i < n; ++i) s[i] = static_cast<char>(first + i % 26);
  return s;
}

std::string encoded(encoder& e) {
  std::string s;
  for (const weir::net::const_buffer& piece : e.pieces())
    s.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  e.wrote(s.size());
  return s;
}

event got(std::vector<std::string> frames) { return {input::message, std::move(frames)}; }

// What a decoder finds wrong with `bytes`, whatever pieces they come in.
violation wrong(std::string_view bytes, const limits& most = {}, bool subscriptions = false) {
  decoder whole(most, subscriptions), split(most, subscriptions);
  wire::decode(whole, bytes);
  wire::decode(split, bytes, 1);
  CHECK(whole.failure().broken == split.failure().broken);
  CHECK(whole.failure().offset == split.failure().offset);
  CHECK(whole.failure().value == split.failure().value);
  return whole.failure();
}

}  // namespace

TEST_CASE("RFC 37 Framing: short and long frames, with and without MORE, are read") {
  decoder d;
  const std::string text = some(256);
  CHECK(wire::decode(d, "\0\5hello"s) == std::vector{got({"hello"})});
  CHECK(wire::decode(d, "\0\0"s) == std::vector{got({""})});
  CHECK(wire::decode(d, "\2\0\0\0\0\0\0\1\0"s + text) == std::vector{got({text})});
  CHECK(wire::decode(d, "\2\0\0\0\0\0\0\0\1x"s) == std::vector{got({"x"})});  // a long header for a short body
  CHECK(wire::decode(d, "\1\1a\3\0\0\0\0\0\0\0\1b\0\0"s) == std::vector{got({"a", "b", ""})});
  CHECK(d.offset() == 7 + 2 + 9 + 256 + 10 + 3 + 10 + 2);
  CHECK(d.at_boundary());
}

TEST_CASE("RFC 37 Framing: the long form is written from 256 octets on") {
  encoder e;
  e.add(message(some(255)));
  e.add(message(some(256)));
  e.add(message::of("", some(71), some(72), ""));
  e.add(message());  // no frame is no message
  const std::string bytes = encoded(e);
  CHECK(bytes == "\0\xFF"s + some(255) + "\2\0\0\0\0\0\0\1\0"s + some(256) + "\1\0"s + "\1\x47"s + some(71) +
                     "\1\x48"s + some(72) + "\0\0"s);
  CHECK(e.empty());
}

TEST_CASE("frames that are split at any byte are the same frames") {
  // Sizes around every place where the codec changes its way: inline, short header, copied, own memory.
  std::string bytes;
  std::vector<event> expected;
  for (const std::size_t size : {0, 1, 2, 70, 71, 72, 73, 254, 255, 256, 257, 600}) {
    const std::string body = some(size, static_cast<char>('0' + size % 40));
    bytes += wire::frame(0, body);
    expected.push_back(got({body}));
    bytes += wire::frame(1, body) + wire::frame(1, "") + wire::frame(0, body);
    expected.push_back(got({body, "", body}));
  }
  bytes += wire::command("PING", "\0\1abc"s) + wire::frame(0, "end");
  expected.push_back({input::ping, {"abc"}});
  expected.push_back(got({"end"}));

  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    decoder d;
    std::vector<event> events = wire::decode(d, std::string_view(bytes).substr(0, at));
    const std::vector<event> rest = wire::decode(d, std::string_view(bytes).substr(at));
    events.insert(events.end(), rest.begin(), rest.end());
    if (events == expected && d.at_boundary()) continue;
    FAIL("split at " << at);
  }
  for (const std::size_t step : {1, 2, 3, 7, 64, 71, 72, 1000, 4096, 5000}) {
    decoder d;
    CHECK(wire::decode(d, bytes, step) == expected);
  }
}

TEST_CASE("long frames are the same frames in pieces of any size") {
  std::string bytes;
  std::vector<event> expected;
  for (const std::size_t size :
       {4095, 4096, 4097, 16383, 16384, 16385, 65535, 65536, 65537, 70'000, 262'144, 262'145, 600'000}) {
    const std::string body = some(size, static_cast<char>('0' + size % 40));
    bytes += wire::frame(0, body) + wire::frame(0, "between") + wire::frame(1, body) + wire::frame(0, body);
    expected.insert(expected.end(), {got({body}), got({"between"}), got({body, body})});
  }
  for (const std::size_t step :
       {std::size_t{1009}, std::size_t{4096}, std::size_t{16384}, std::size_t{65536}, SIZE_MAX}) {
    decoder d;
    const bool same = wire::decode(d, bytes, step) == expected;
    CHECK(same);
    CHECK(d.at_boundary());
  }
}

TEST_CASE("RFC 37 Framing: reserved bits are refused, or ignored and counted") {
  for (unsigned bit = 8; bit <= 0x80; bit <<= 1) {
    for (const unsigned flags : {0u, 1u, 2u, 4u}) {
      const violation v = wrong(wire::frame(0, "good") + static_cast<char>(bit | flags) + "\1x"s);
      CHECK(v.broken == rule::flags_reserved);
      CHECK(v.offset == 6);
      CHECK(v.value == hex(bit | flags));
    }
    decoder d({.reserved_flags_ignored = true});
    CHECK(wire::decode(d, static_cast<char>(bit) + "\1x"s) == std::vector{got({"x"})});
    CHECK(d.ignored_flags() == 1);
  }
  CHECK(wrong("\x48\1x"s).text() ==
        "ZMTP: the reserved bits 7 to 3 of a frame's flags must be zero (RFC 37, Framing); got 0x48 at octet 0");
}

TEST_CASE("RFC 37 Framing: a command has no MORE") {
  CHECK(wrong("\5\5\4PING"s).broken == rule::command_is_one_frame);
  CHECK(wrong("\7\0\0\0\0\0\0\0\5\4PING"s).broken == rule::command_is_one_frame);
}

TEST_CASE("size bombs are refused by their header, and allocate nothing") {
  const limits most{.message = 1000, .frames = 4, .command = 100};
  CHECK(wrong("\2\x80\0\0\0\0\0\0\0"s).broken == rule::size_63_bits);
  CHECK(wrong("\2\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s).broken == rule::size_63_bits);
  CHECK(wrong("\2\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s).offset == 1);
  for (int below = 0; below < 16; ++below) {
    const std::string size = wire::number((std::uint64_t{1} << 63) - 1 - static_cast<unsigned>(below), 8);
    CHECK(wrong("\2"s + size, {.message = UINT64_MAX >> 1}).broken == rule::none);  // waits, and has no memory for it
    CHECK(wrong("\2"s + size).broken == rule::message_size);
    CHECK(wrong("\3"s + size).broken == rule::message_size);
    CHECK(wrong("\6"s + size).broken == rule::command_size);
  }
  CHECK(wrong("\2"s + wire::number(1000, 8), most).broken == rule::none);
  CHECK(wrong("\2"s + wire::number(1001, 8), most).broken == rule::message_size);
  // All frames of a message count, and only those.
  const std::string part = wire::frame(1, some(600));
  const std::uint64_t left = 400 - sizeof(frame);
  CHECK(wrong(part + "\2"s + wire::number(left, 8), most).broken == rule::none);
  const violation v = wrong(part + "\2"s + wire::number(left + 1, 8), most);
  CHECK(v.broken == rule::message_size);
  CHECK(v.offset == part.size());
  CHECK(v.value == std::to_string(left + 1) + " octets after 600 in 1 frames of the same message");
  CHECK(wrong("\2"s + wire::number(1001, 8), most).value == "1001 octets");
  CHECK(wrong(part + wire::frame(0, some(left)) + part, most).broken == rule::none);
  // Frames without bytes cost memory too.
  std::string empty;
  for (std::size_t i = 0; i <= 1000 / sizeof(frame); ++i) empty += "\1\0"s;
  CHECK(wrong(empty, {.message = 1000}).broken == rule::none);
  CHECK(wrong(empty + "\1\0"s, {.message = 1000}).broken == rule::message_size);
  CHECK(wrong("\1\0\1\0\1\0\0\0"s, most).broken == rule::none);
  CHECK(wrong("\1\0\1\0\1\0\1\0\0\0"s, most).broken == rule::message_frames);
  // A command never exceeds what the longest topic takes, whatever this side says.
  CHECK(wrong("\4\x64"s, most).broken == rule::none);
  CHECK(wrong("\4\x65"s, most).broken == rule::command_size);
  CHECK(wrong("\6"s + wire::number(limits::most_command, 8), {.command = SIZE_MAX}).broken == rule::none);
  CHECK(wrong("\6"s + wire::number(limits::most_command + 1, 8), {.command = SIZE_MAX}).broken == rule::command_size);
}

TEST_CASE("memory for a long frame grows with what has come") {
  decoder d({.message = std::uint64_t{1} << 62});
  message m;
  d.feed("\2"s + wire::number(std::uint64_t{1} << 60, 8));
  REQUIRE(d.next(m) == input::more);
  std::size_t come = 0;
  while (come < 3'000'000) {
    const weir::net::mutable_buffer room = d.room();
    REQUIRE(room.size() > 0);
    REQUIRE(room.size() <= std::max<std::size_t>(come, 256 * 1024));
    const std::size_t n = std::min<std::size_t>(room.size(), 100'000);
    std::fill_n(room.data(), n, std::byte{'x'});
    d.filled(n);
    come += n;
    REQUIRE(d.next(m) == input::more);
  }
}

TEST_CASE("RFC 37 Formal Grammar: a command is the length of a name of letters and the name and data") {
  CHECK(wrong("\4\0"s).broken == rule::command_name);
  CHECK(wrong("\4\1\0"s).broken == rule::command_name);
  CHECK(wrong("\4\2\2P"s).broken == rule::command_name);
  CHECK(wrong("\4\5\xFFPING"s).broken == rule::command_name);
  CHECK(wrong(wire::command("P NG")).broken == rule::command_name_letters);
  CHECK(wrong(wire::command("P\0NG"s)).broken == rule::command_name_letters);
  CHECK(wrong(wire::frame(0, "good") + wire::command("P1NG")).offset == 6 + 2 + 1);

  decoder d;
  CHECK(wire::decode(d, wire::command("JOIN", "group") + wire::command(some(200)) + wire::frame(0, "x")) ==
        std::vector{got({"x"})});  // of a later version: ignored
  CHECK(d.ignored_commands() == 2);
}

TEST_CASE("commands of the handshake are refused after it, and ERROR ends it with the peer's reason") {
  for (const char* name : {"READY", "HELLO", "WELCOME", "INITIATE"}) {
    const violation v = wrong(wire::frame(0, "x") + wire::command(name));
    CHECK(v.broken == rule::command_after_handshake);
    CHECK(v.value == name);
  }
  const violation v = wrong(wire::command("ERROR", wire::with_length("too \x01 late")));
  CHECK(v.broken == rule::refused_by_peer);
  CHECK(v.value == "\"too \\x01 late\"");
  CHECK(wrong(wire::command("ERROR", "\4abc")).broken == rule::error_reason);
  CHECK(wrong(wire::command("ERROR", "\2abc")).broken == rule::error_reason);
  CHECK(wrong(wire::command("ERROR")).broken == rule::error_reason);
}

TEST_CASE("RFC 37 and RFC 23 Publish-Subscribe: both forms of subscription are read, whatever the peer's version") {
  decoder d({}, true);
  const std::string topic = some(300);
  CHECK(wire::decode(d, wire::command("SUBSCRIBE", "a") + wire::frame(0, "\1b") + wire::command("CANCEL") +
                            wire::frame(0, "\0"s) + wire::frame(0, "\1" + topic) + wire::command("SUBSCRIBE", topic)) ==
        std::vector<event>{{input::subscribe, {"a"}},
                           {input::subscribe, {"b"}},
                           {input::cancel, {""}},
                           {input::cancel, {""}},
                           {input::subscribe, {topic}},
                           {input::subscribe, {topic}}});
  // XSUB may send messages too: those of other bytes, of none, and of several frames.
  CHECK(wire::decode(d, wire::frame(0, "\2x") + wire::frame(0, "") + wire::frame(1, "\1a") + wire::frame(0, "\1b")) ==
        std::vector{got({"\2x"}), got({""}), got({"\1a", "\1b"})});
}

TEST_CASE("sockets that take no subscriptions get what looks like one as a message, and ignore the commands") {
  decoder d;
  CHECK(wire::decode(d, wire::frame(0, "\1b") + wire::command("SUBSCRIBE", "a") + wire::command("CANCEL", "a")) ==
        std::vector{got({"\1b"})});
  CHECK(d.ignored_commands() == 2);
}

TEST_CASE("the size of a topic is bounded in both forms") {
  const limits most{.topic = 300};
  CHECK(wrong(wire::frame(0, "\1" + some(300)), most, true).broken == rule::none);
  CHECK(wrong(wire::frame(0, "\1" + some(301)), most, true).broken == rule::topic_size);
  CHECK(wrong(wire::frame(0, "\0"s + some(301)), most, true).broken == rule::topic_size);
  CHECK(wrong(wire::frame(0, "\2" + some(301)), most, true).broken == rule::none);
  CHECK(wrong(wire::command("SUBSCRIBE", some(300)), most, true).broken == rule::none);
  CHECK(wrong(wire::command("SUBSCRIBE", some(301)), most, true).broken == rule::topic_size);
  CHECK(wrong(wire::command("CANCEL", some(301)), most, true).broken == rule::topic_size);
  // Ten megabytes are refused at their first octet.
  const std::string bomb = "\2"s + wire::number(10'000'000, 8);
  CHECK(wrong(bomb, most, true).broken == rule::none);
  CHECK(wrong(bomb + "\1", most, true).broken == rule::topic_size);
  CHECK(wrong(bomb + "\2", most, true).broken == rule::none);
}

TEST_CASE("RFC 37 and RFC 23 Publish-Subscribe: subscriptions are written in the form the peer knows") {
  encoder now({3, 1}), before({3, 0}), later({4, 0});
  for (encoder* e : {&now, &before, &later}) {
    e->subscribe("a");
    e->cancel("");
  }
  CHECK(encoded(now) == "\4\xB\x9SUBSCRIBEa\4\7\6CANCEL"s);
  CHECK(encoded(before) == "\0\2\1a\0\1\0"s);
  CHECK(encoded(later) == "\4\xB\x9SUBSCRIBEa\4\7\6CANCEL"s);
  before.subscribe(some(300));
  CHECK(encoded(before) == wire::frame(0, "\1" + some(300)));
}

TEST_CASE("the longest topic goes through in both forms, and a longer one is misuse") {
  const std::string topic = some(limits::most_topic);
  for (const protocol_version spoken : {protocol_version{3, 1}, protocol_version{3, 0}}) {
    encoder e(spoken);
    e.subscribe(topic);
    e.cancel(topic);
    CHECK_THROWS_AS(e.subscribe(topic + "x"), weir::misuse);
    CHECK_THROWS_AS(e.cancel(topic + "x"), weir::misuse);
    decoder d({.topic = SIZE_MAX}, true);
    const bool same =
        wire::decode(d, encoded(e)) == std::vector<event>{{input::subscribe, {topic}}, {input::cancel, {topic}}};
    CHECK(same);
    CHECK(wrong(wire::frame(0, "\1" + topic + "x"), {.topic = SIZE_MAX}, true).broken == rule::topic_size);
  }
}

TEST_CASE("RFC 37 Connection Heartbeating: PING has a time to live and a context of at most 16 octets") {
  decoder d;
  const std::string context = some(16);
  CHECK(wire::decode(d, wire::command("PING", "\1\2"s)) == std::vector<event>{{input::ping, {""}}});
  CHECK(d.ping_ttl() == 258);
  CHECK(wire::decode(d, wire::command("PING", "\xFF\xFF" + context)) == std::vector<event>{{input::ping, {context}}});
  CHECK(d.ping_ttl() == 65535);
  CHECK(wire::decode(d, wire::command("PONG", context) + wire::command("PONG")) ==
        std::vector<event>{{input::pong, {context}}, {input::pong, {""}}});
  CHECK(wrong(wire::command("PING")).broken == rule::ping_ttl);
  CHECK(wrong(wire::command("PING", "\0"s)).broken == rule::ping_ttl);
  CHECK(wrong(wire::command("PING", "\0\0"s + context + "x")).broken == rule::ping_context);
  CHECK(wrong(wire::command("PONG", context + "x")).broken == rule::ping_context);

  encoder e;
  e.ping(258, "abc");
  e.pong(context);
  CHECK(encoded(e) == "\4\xA\4PING\1\2abc\4\x15\4PONG"s + context);
  e.pong("");
  CHECK(encoded(e) == "\4\5\4PONG"s);
}

TEST_CASE("commands may stand between the frames of a message, as libzmq sends them") {
  decoder d;
  CHECK(wire::decode(d, wire::frame(1, "a") + wire::command("PING", "\0\0"s) + wire::frame(1, "b") +
                            wire::command("PONG", "x") + wire::frame(0, "c")) ==
        std::vector<event>{{input::ping, {""}}, {input::pong, {"x"}}, got({"a", "b", "c"})});
}

TEST_CASE("a connection that is cut in the middle of anything can be told from one that ended") {
  const std::string bytes = wire::frame(1, "a") + wire::frame(0, "b");
  for (std::size_t n = 0; n <= bytes.size(); ++n) {
    decoder d;
    wire::decode(d, std::string_view(bytes).substr(0, n));
    CHECK(d.at_boundary() == (n == 0 || n == bytes.size()));
  }
  decoder d;
  wire::decode(d, "\2"s + wire::number(100'000, 8));
  CHECK_FALSE(d.at_boundary());
}

TEST_CASE("after a violation nothing more comes out") {
  decoder d;
  CHECK(wire::decode(d, wire::frame(0, "a") + "\x80" + wire::frame(0, "b")) ==
        std::vector<event>{got({"a"}), {input::failed}});
  d.feed(wire::frame(0, "c"));
  message m;
  CHECK(d.next(m) == input::failed);
  CHECK(d.next(m) == input::failed);
}

TEST_CASE("short messages go through one buffer for ever") {
  decoder d;
  message m;
  std::vector<const std::byte*> starts;
  const std::string body = some(frame::inline_capacity);
  for (int i = 0; i < 3000; ++i) {
    const weir::net::mutable_buffer room = d.room();
    if (i >= 2000) starts.push_back(room.data());
    std::string bytes;
    while (bytes.size() + 2 + body.size() <= room.size()) bytes += wire::frame(0, body);
    std::copy_n(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(), room.data());
    d.filled(bytes.size());
    while (d.next(m) == input::message) REQUIRE(m[0].is_inline());
  }
  std::sort(starts.begin(), starts.end());
  CHECK(starts.front() == starts.back());
}

TEST_CASE("frames outlive the buffer they came in and its decoder") {
  std::vector<message> kept;
  std::vector<std::string> expected;
  {
    decoder d;
    for (int i = 0; i < 3000; ++i) {
      const std::string body = some(72 + static_cast<std::size_t>(i) % 500, static_cast<char>('A' + i % 20));
      std::string bytes = wire::frame(0, body);
      d.feed(bytes);
      message m;
      REQUIRE(d.next(m) == input::message);
      // Every fifth is kept, the others make room, or share a buffer with one that is.
      if (i % 5 != 0) continue;
      kept.push_back(std::move(m));
      expected.push_back(body);
    }
  }
  bool same = true;
  for (std::size_t i = 0; i < kept.size(); ++i) same = same && kept[i].text() == expected[i];
  CHECK(same);
  kept[0][0].compact();
  CHECK(kept[0].text() == expected[0]);
}

TEST_CASE("long bodies are written from where they are, and shared by all who write them") {
  encoder one, two;
  frame body(some(encoder::copy_limit));
  const std::byte* const at = body.data();
  const message m = message::of("id", std::move(body), "end");
  one.add(m);
  two.add(m.copy());
  for (encoder* e : {&one, &two}) {
    const auto pieces = e->pieces();
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[1].data() == at);
    CHECK(encoded(*e) == "\1\2id\3\0\0\0\0\0\0\x10\0"s + some(encoder::copy_limit) + "\0\3end"s);
  }
}

TEST_CASE("whatever part of it a write takes, the rest is the rest") {
  const auto fill = [](encoder& e) {
    e.add(message::of("a", some(encoder::copy_limit), some(encoder::copy_limit + 1), "b"));
    e.ping(0, "c");
    e.add(message(some(100)));
  };
  encoder whole;
  fill(whole);
  const std::string expected = encoded(whole);
  for (std::size_t n = 0; n <= expected.size(); n += n % 7 + 1) {
    encoder e;
    fill(e);
    e.wrote(n);
    REQUIRE(e.pending() == expected.size() - n);
    e.add(message("more"));  // behind what is left
    REQUIRE(encoded(e) == expected.substr(n) + wire::frame(0, "more"));
    REQUIRE(e.empty());
  }
}

TEST_CASE("what one side encodes the other decodes, in whatever pieces") {
  std::mt19937 random(20240607);
  const auto below = [&](unsigned n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < testing::rounds(100); ++round) {
    encoder e(below(2) ? protocol_version{3, 1} : protocol_version{3, 0});
    decoder d({}, true);
    std::vector<event> expected;
    for (std::size_t i = 0; i < 20; ++i) {
      switch (below(8)) {
        case 0: {
          const std::string context = some(below(17));
          e.ping(7, context);
          expected.push_back({input::ping, {context}});
          break;
        }
        case 1: {
          const std::string topic = some(below(400));
          e.subscribe(topic);
          expected.push_back({input::subscribe, {topic}});
          break;
        }
        case 2: {
          const std::string topic = some(below(400));
          e.cancel(topic);
          expected.push_back({input::cancel, {topic}});
          break;
        }
        default: {
          event each{input::message};
          for (std::size_t frames = below(4) + 1; frames > 0; --frames)
            each.frames.push_back(some(below(below(10) == 0 ? 100'000 : 500)));
          message m;
          for (const std::string& f : each.frames) m.push_back(f);
          e.add(std::move(m));
          expected.push_back(std::move(each));
        }
      }
    }
    const std::string bytes = encoded(e);
    std::vector<event> events;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = std::min(bytes.size() - at, below(30'000) + 1);
      const std::vector<event> now = wire::decode(d, std::string_view(bytes).substr(at, n));
      events.insert(events.end(), now.begin(), now.end());
      at += n;
    }
    const bool same = events == expected;
    REQUIRE(same);
    REQUIRE(d.at_boundary());
  }
}

TEST_CASE("RFC 37 Connection Heartbeating: a peer is dead when nothing comes in time after a PING") {
  using action = heartbeat::action;
  const heartbeat::time start{};
  heartbeat h({.interval = 10s, .timeout = 3s, .ttl = 30s}, {3, 1}, start);
  CHECK(h.ttl() == 300);
  CHECK(h.due(start + 9s) == action::none);
  CHECK(h.next() == start + 10s);
  CHECK(h.due(start + 10s) == action::ping);
  CHECK(h.due(start + 10s) == action::none);
  CHECK(h.next() == start + 13s);
  h.heard();  // anything
  CHECK(h.due(start + 13s) == action::none);
  CHECK(h.due(start + 20s) == action::ping);
  CHECK(h.due(start + 23s - 1ms) == action::none);
  CHECK(h.due(start + 23s) == action::dead);
}

TEST_CASE("a PING that is not answered yet is not asked for again later") {
  const heartbeat::time start{};
  heartbeat h({.interval = 1s, .timeout = 3s}, {3, 1}, start);
  CHECK(h.due(start + 1s) == heartbeat::action::ping);
  CHECK(h.due(start + 2s) == heartbeat::action::ping);
  CHECK(h.due(start + 3s) == heartbeat::action::ping);
  CHECK(h.due(start + 4s) == heartbeat::action::dead);  // 3 s after the first
}

TEST_CASE("PINGs that nothing answers do not pile up while there is time to wait") {
  using action = heartbeat::action;
  const heartbeat::time start{};
  heartbeat h({.interval = 1s, .timeout = 100s}, {3, 1}, start);
  const auto pings = [&](int from, int to) {
    int n = 0;
    for (int i = from; i < to; ++i) {
      n += h.due(start + i * 1s) == action::ping;
      CHECK(h.next() > start + i * 1s);
    }
    return n;
  };
  CHECK(pings(0, 50) == heartbeat::most_unanswered);
  h.heard();
  CHECK(pings(50, 55) == 5);
  h.hold();  // answers may wait to be read
  CHECK(pings(55, 155) == 100);
  h.go_on(start + 155s);
  CHECK(pings(155, 200) == heartbeat::most_unanswered - 5);
  CHECK(h.due(start + 255s) == action::dead);
}

TEST_CASE("a time to live that is over before the next PING is misuse") {
  const heartbeat::time start{};
  const auto made = [&](const heartbeat_options& o) { return heartbeat(o, {3, 1}, start).ttl(); };
  CHECK_THROWS_AS(made({.interval = 1s, .ttl = 999ms}), weir::misuse);
  CHECK_THROWS_AS(made({.interval = 2min, .ttl = 1h}), weir::misuse);  // as 65 s are sent
  CHECK(made({.interval = 1s, .ttl = 1s}) == 10);
  CHECK(made({.interval = 2min}) == 0);
  CHECK(made({.ttl = 1s}) == 10);  // none is sent
}

TEST_CASE("RFC 37 Connection Heartbeating: a peer is dead when nothing comes within the time to live of its PING") {
  using action = heartbeat::action;
  const heartbeat::time start{};
  heartbeat h({}, {3, 1}, start);
  CHECK(h.next() == heartbeat::time::max());
  h.heard();
  h.pinged(5, start);
  CHECK(h.next() == start + 500ms);
  CHECK(h.due(start + 499ms) == action::none);
  h.heard();
  CHECK(h.due(start + 10s) == action::none);
  h.pinged(0, start);  // no limit
  CHECK(h.next() == heartbeat::time::max());
  h.pinged(65535, start);
  CHECK(h.next() == start + 6553500ms);
  CHECK(h.due(start + 6553500ms) == action::dead);
}

TEST_CASE("a peer that this side does not read is not dead") {
  using action = heartbeat::action;
  const heartbeat::time start{};
  heartbeat h({.interval = 1s}, {3, 1}, start);
  CHECK(h.due(start + 1s) == action::ping);
  h.pinged(5, start + 1s);
  h.hold();
  CHECK(h.due(start + 1500ms) == action::none);
  CHECK(h.due(start + 60s) == action::ping);
  h.go_on(start + 60s);
  CHECK(h.due(start + 60s) == action::none);
  CHECK(h.next() == start + 60500ms);
  CHECK(h.due(start + 60500ms) == action::dead);
}

TEST_CASE("PING is not sent to ZMTP 3.0, and its time to live is what libzmq can keep") {
  const heartbeat::time start{};
  heartbeat old({.interval = 1s}, {3, 0}, start);
  CHECK(old.due(start + 100s) == heartbeat::action::none);
  CHECK(old.next() == heartbeat::time::max());
  CHECK(heartbeat({.interval = 1s, .ttl = 1h}, {3, 1}, start).ttl() == 650);
  CHECK(heartbeat({.interval = 1ms, .ttl = 1ms}, {3, 1}, start).ttl() == 1);
  CHECK(heartbeat({.interval = 150ms, .ttl = 150ms}, {3, 1}, start).ttl() == 2);
  CHECK(heartbeat({.interval = 1s}, {3, 1}, start).ttl() == 0);
}
