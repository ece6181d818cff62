// Greetings, the NULL and PLAIN mechanisms, metadata.
#include "weir/net/zmtp/handshake.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/net/zmtp/wire.h"
#include "weir/runtime/base/errors.h"

using namespace std::string_literals;
using namespace weir::net::zmtp;
using status = weir::net::zmtp::handshake_status;

namespace {

constexpr int all_types = socket_types;
socket_type type(int i) { return static_cast<socket_type>(i); }

// What a handshake has to say after `bytes`, and what is wrong with them, whatever pieces they come in.
struct outcome {
  handshake_status end;
  std::string output;
  violation failure;
  std::size_t taken;
};
outcome after(const handshake_options& o, std::string_view bytes) {
  handshake whole(o), split(o);
  const std::size_t taken = whole.feed(bytes);
  std::size_t single = 0;
  while (single < bytes.size() && split.feed(bytes.substr(single, 1)) == 1) ++single;
  // At a violation one of them may have taken the octet that broke the rule.
  if (whole.status() != status::failed) CHECK(taken == single);
  CHECK(whole.status() == split.status());
  CHECK(whole.output() == split.output());
  CHECK(whole.failure().text() == split.failure().text());
  return {whole.status(), std::string(whole.output()), whole.failure(), taken};
}

const handshake_options pull{.type = socket_type::pull};
const handshake_options pull_server{.type = socket_type::pull, .side = role::server};

rule broken(const handshake_options& o, std::string_view bytes) { return after(o, bytes).failure.broken; }
// The rule that metadata of a PUSH breaks.
rule metadata(std::string_view properties, const limits& most = {}) {
  return broken({.type = socket_type::pull, .most = most},
                wire::greeting() + wire::command("READY", wire::property("Socket-Type", "PUSH").append(properties)));
}

// Lets two handshakes talk until neither has anything to say.
void talk(handshake& a, handshake& b) {
  const auto pass = [](handshake& from, handshake& to) {
    const std::string bytes(from.output());
    from.sent(bytes.size());
    to.feed(bytes);
    return !bytes.empty();
  };
  for (;;) {
    const bool there = pass(a, b), back = pass(b, a);
    if (!there && !back) return;
  }
}

handshake_options plain_client(std::string username = "user", std::string password = "secret") {
  return {.type = socket_type::dealer,
          .mechanism = security::plain,
          .identity = "me",
          .username = std::move(username),
          .password = std::move(password)};
}
const handshake_options plain_server{.type = socket_type::router, .side = role::server, .mechanism = security::plain};

}  // namespace

TEST_CASE("RFC 37 Formal Grammar: a greeting is 64 octets, all of them sent before anything is read") {
  CHECK(handshake(pull).output() == wire::greeting("NULL"));
  CHECK(handshake(pull_server).output() == wire::greeting("NULL"));  // as-server has to be zero
  CHECK(handshake({.version = {3, 0}}).output() == wire::greeting("NULL", 3, 0));
  CHECK(handshake(plain_client()).output() == wire::greeting("PLAIN"));
  std::string server = wire::greeting("PLAIN");
  server[32] = 1;
  CHECK(handshake(plain_server).output() == server);
}

TEST_CASE("RFC 37 Version Negotiation: what has no meaning is not looked at, and later versions are accepted") {
  std::string g = wire::greeting();
  g.replace(1, 8, "\1\2\3\4\5\6\7\10");  // padding
  g[32] = 7;                             // as-server: of no meaning here
  g[63] = 9;                             // filler
  CHECK(after(pull, g + wire::ready("PUSH")).end == status::done);
  for (const auto& [major, minor] : {std::pair(3, 0), {3, 1}, {3, 2}, {4, 0}, {255, 255}}) {
    handshake h(pull);
    h.feed(wire::greeting("NULL", major, minor) + wire::ready("PUSH"));
    CHECK(h.status() == status::done);
    CHECK(h.peer().version == protocol_version{static_cast<std::uint8_t>(major), static_cast<std::uint8_t>(minor)});
    CHECK(h.peer().version.has_commands() == (major != 3 || minor != 0));
    CHECK(h.version() == h.peer().version);
    // This side says that it is older.
    handshake old({.type = socket_type::pull, .version = {3, 0}});
    old.feed(wire::greeting("NULL", major, minor) + wire::ready("PUSH"));
    CHECK(old.version() == protocol_version{3, 0});
  }
}

TEST_CASE("RFC 37 Backwards Interoperability: older peers and others are refused with what they are") {
  CHECK(after(pull, "GET / HTTP/1.1").failure.text() ==
        "ZMTP: the first octet of a greeting must be 0xFF: the peer speaks ZMTP 1.0, or no ZMTP (RFC 37, Formal "
        "Grammar); got 0x47 at octet 0");
  CHECK(broken(pull, "\1\0"s) == rule::signature_begin);                  // ZMTP 1.0, no identity
  CHECK(broken(pull, "\xFF\0\0\0\0\0\0\0\1\0"s) == rule::signature_end);  // ZMTP 1.0, a long length
  CHECK(broken(pull, "\xFF\0\0\0\0\0\0\0\1\x7E"s) == rule::signature_end);
  CHECK(broken(pull, "\xFF\0\0\0\0\0\0\0\1\x7F"s) == rule::none);
  for (const char version : {'\0', '\1', '\2'}) {
    const outcome o = after(pull, "\xFF\0\0\0\0\0\0\0\1\x7F"s + version);
    CHECK(o.failure.broken == rule::version);
    CHECK(o.failure.offset == 10);
    CHECK(o.failure.value == "ZMTP 2.0 (version " + std::to_string(version) + ")");
  }
}

TEST_CASE("RFC 37 Authentication: all 20 octets of the mechanism have to be the same") {
  CHECK(broken(pull, wire::greeting("PLAIN")) == rule::mechanism);
  CHECK(broken(pull, wire::greeting("NUL")) == rule::mechanism);
  CHECK(broken(pull, wire::greeting("NULLX")) == rule::mechanism);
  CHECK(broken(pull, wire::greeting("null")) == rule::mechanism);
  CHECK(broken(pull, wire::greeting("")) == rule::mechanism);
  CHECK(broken(pull, wire::greeting("NULL\0X"s)) == rule::mechanism);
  CHECK(broken(plain_client(), wire::greeting("NULL")) == rule::mechanism);
  CHECK(after(pull, wire::greeting("CURVE")).failure.text() ==
        "ZMTP: both peers must announce the same security mechanism (RFC 37, Authentication and Confidentiality); got "
        "\"CURVE\", ours is \"NULL\", at octet 12");
}

TEST_CASE("part of a greeting is waited for") {
  const std::string g = wire::greeting();
  for (std::size_t n = 0; n < g.size(); ++n) {
    const outcome o = after(pull, g.substr(0, n));
    CHECK(o.end == status::running);
    CHECK(o.output == g);
  }
  CHECK(after(pull, g).output == g + wire::ready("PULL"));
}

TEST_CASE("RFC 37 Worked Example: DEALER and ROUTER, octet by octet") {
  const std::string dealer = "\4\x29\5READY\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0\0"s;
  const std::string router = "\4\x1C\5READY\13Socket-Type\0\0\0\6ROUTER"s;
  handshake h({.type = socket_type::dealer});
  h.feed(wire::greeting());
  CHECK(h.output() == wire::greeting() + dealer);
  h.feed(router);
  CHECK(h.status() == status::done);
  CHECK(h.peer().type == socket_type::router);
  CHECK(h.offset() == 64 + router.size());

  handshake server({.type = socket_type::router, .side = role::server});
  server.feed(wire::greeting());
  CHECK(server.output() == wire::greeting());  // looks at the client's first
  server.feed(dealer);
  CHECK(server.status() == status::done);
  CHECK(server.peer().identity == "");
}

TEST_CASE("RFC 37 The Socket-Type Property: each pair of types talks or not as the table says") {
  // RFC 23's table.
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"REQ", "REP"},       {"REQ", "ROUTER"},    {"REP", "DEALER"}, {"DEALER", "DEALER"},
      {"DEALER", "ROUTER"}, {"ROUTER", "ROUTER"}, {"PUB", "SUB"},    {"PUB", "XSUB"},
      {"XPUB", "SUB"},      {"XPUB", "XSUB"},     {"PUSH", "PULL"},  {"PAIR", "PAIR"}};
  int talking = 0;
  for (int i = 0; i < all_types; ++i) {
    for (int j = 0; j < all_types; ++j) {
      const std::string a(name(type(i))), b(name(type(j)));
      const bool expected = std::find(pairs.begin(), pairs.end(), std::pair(a, b)) != pairs.end() ||
                            std::find(pairs.begin(), pairs.end(), std::pair(b, a)) != pairs.end();
      INFO(a << " and " << b);
      handshake client({.type = type(i)}), server({.type = type(j), .side = role::server});
      talk(client, server);
      talking += expected;
      if (expected) {
        CHECK(client.status() == status::done);
        CHECK(server.status() == status::done);
        CHECK(client.peer().type == type(j));
        CHECK(server.peer().type == type(i));
      } else {
        CHECK(server.failure().broken == rule::socket_type_legal);
        CHECK(client.failure().broken == rule::refused_by_peer);  // told by ERROR
        CHECK(client.failure().value == "\"socket_type_legal\"");
      }
    }
  }
  CHECK(talking == 2 * 12 - 3);
  CHECK(after(pull, wire::greeting() + wire::ready("SUB")).failure.text() ==
        "ZMTP: the Socket-Type must be one that may talk to this socket (RFC 37, The Socket-Type Property); got SUB, "
        "this "
        "side is PULL, at octet 72");
  CHECK(broken(pull, wire::greeting() + wire::ready("CLIENT")) == rule::socket_type_known);
  CHECK(broken(pull, wire::greeting() + wire::ready("push")) == rule::socket_type_known);
  CHECK(broken(pull, wire::greeting() + wire::command("READY")) == rule::none);  // it should be there, and need not
}

TEST_CASE("what comes after the handshake is left to the decoder") {
  for (const handshake_options& o : {pull, pull_server}) {
    const std::string bytes = wire::greeting() + wire::ready("PUSH");
    const outcome result = after(o, bytes + "\0\5hello"s);
    CHECK(result.end == status::done);
    CHECK(result.taken == bytes.size());
  }
}

TEST_CASE("RFC 37 The NULL Security Mechanism: metadata is names and values with their lengths") {
  CHECK(metadata("") == rule::none);
  CHECK(metadata(wire::property("X-a", "") + wire::property("aZ09-_.+", std::string(1000, '\0'))) == rule::none);
  CHECK(metadata(wire::property(std::string(255, 'n'), "v")) == rule::none);
  CHECK(metadata("\0\0\0\0\0"s) == rule::property_name);
  for (const char c : {' ', '\0', '=', ':', '/', '\x7F', '\x80'})
    CHECK(metadata(wire::property("X"s + c, "v")) == rule::property_name_letters);
  CHECK(metadata("\1X\x80\0\0\0"s) == rule::property_value_31_bits);
  CHECK(metadata("\1X\xFF\xFF\xFF\xFF"s) == rule::property_value_31_bits);
  CHECK(metadata("\1X\x7F\xFF\xFF\xFF"s) == rule::property_fits);
  CHECK(metadata("\1X\0\0\0\2v"s) == rule::property_fits);
  CHECK(metadata("\xFFX\0\0\0\0"s) == rule::property_fits);
  // Cut anywhere.
  const std::string one = wire::property("X-name", "value");
  for (std::size_t n = 1; n < one.size(); ++n) CHECK(metadata(one.substr(0, n)) == rule::property_fits);
  CHECK(metadata(one + "\1") == rule::property_fits);  // what is behind it
}

TEST_CASE("RFC 37 Connection Metadata: the case of names does not matter, and each comes once") {
  handshake h(pull);
  h.feed(wire::greeting() +
         wire::command("READY", wire::property("sOCKET-tYPE", "PUSH") + wire::property("x-Color", "Red")));
  REQUIRE(h.status() == status::done);
  CHECK(h.peer().type == socket_type::push);
  REQUIRE(find(h.peer().properties, "X-COLOR") != nullptr);
  CHECK(find(h.peer().properties, "X-COLOR")->value == "Red");
  CHECK(find(h.peer().properties, "X-Colour") == nullptr);
  CHECK(metadata(wire::property("SOCKET-TYPE", "PUSH")) == rule::property_once);
  CHECK(metadata(wire::property("X", "1") + wire::property("x", "2")) == rule::property_once);
}

TEST_CASE("metadata is bounded in size and number") {
  std::string many;
  for (int i = 0; i < 63; ++i) many += wire::property("X-" + std::to_string(i), "v");
  CHECK(metadata(many) == rule::none);
  CHECK(metadata(many + wire::property("X-one-more", "v")) == rule::property_count);
  CHECK(metadata(many, {.properties = 63}) == rule::property_count);
  CHECK(metadata(wire::property("X", std::string(65'000, 'v'))) == rule::none);
  CHECK(metadata(wire::property("X", std::string(65'536, 'v'))) == rule::command_size);
  CHECK(metadata(wire::property("X", std::string(100, 'v')), {.command = 100}) == rule::command_size);
  // By the header alone.
  const outcome o = after(pull, wire::greeting() + "\6\0\0\1\0\0\0\0\0"s);
  CHECK(o.failure.broken == rule::command_size);
  CHECK(o.failure.offset == 64);
}

TEST_CASE(
    "RFC 37 The Identity Property: at most 255 octets, not beginning with zero, and only of those that have one") {
  const auto identity = [](std::string_view of, const std::string& value, socket_type self) {
    handshake h({.type = self});
    h.feed(wire::greeting() +
           wire::command("READY", wire::property("Socket-Type", of) + wire::property("Identity", value)));
    return h.failure() ? std::string(describe(h.failure().broken).name) : h.peer().identity;
  };
  CHECK(identity("DEALER", "", socket_type::router) == "");
  CHECK(identity("DEALER", "me", socket_type::router) == "me");
  CHECK(identity("REQ", std::string(255, 'i'), socket_type::router) == std::string(255, 'i'));
  CHECK(identity("ROUTER", std::string(256, 'i'), socket_type::router) == "identity_size");
  CHECK(identity("DEALER", "\0\1\2\3\4"s, socket_type::router) == "identity_reserved");
  CHECK(identity("PUSH", "me", socket_type::pull) == "");
  CHECK(identity("PUSH", "\0"s, socket_type::pull) == "");
}

TEST_CASE("RFC 37 Error Handling: ERROR is the end, with the peer's reason") {
  const outcome o = after(pull, wire::greeting() + wire::command("ERROR", wire::with_length("no")));
  CHECK(o.failure.broken == rule::refused_by_peer);
  CHECK(o.failure.value == "\"no\"");
  CHECK(broken(pull, wire::greeting() + wire::command("ERROR", "\0"s)) == rule::refused_by_peer);
  CHECK(broken(pull, wire::greeting() + wire::command("ERROR")) == rule::error_reason);
  CHECK(broken(pull, wire::greeting() + wire::command("ERROR", "\5no")) == rule::error_reason);
  CHECK(broken(pull, wire::greeting() + wire::command("ERROR", "\1no")) == rule::error_reason);

  // As libzmq 4.3.4 spells it in PLAIN.
  const outcome misspelt = after(plain_client(), wire::greeting("PLAIN") + wire::frame(4,
                                                                                       "^RROR\3"
                                                                                       "400"));
  CHECK(misspelt.failure.broken == rule::refused_by_peer);
  CHECK(misspelt.failure.value == "\"400\"");
}

TEST_CASE("a handshake is commands, those of its mechanism, in their order") {
  const std::string g = wire::greeting();
  CHECK(broken(pull, g + wire::frame(0, "hello")) == rule::handshake_is_commands);
  CHECK(broken(pull, g + wire::frame(1, "hello")) == rule::handshake_is_commands);
  CHECK(broken(pull, g + "\5\6\5READY"s) == rule::command_is_one_frame);
  CHECK(broken(pull, g + "\x44\6\5READY"s) == rule::flags_reserved);
  CHECK(broken(pull, g + "\6\x80\0\0\0\0\0\0\0"s) == rule::size_63_bits);
  CHECK(broken(pull, g + "\4\0"s) == rule::command_name);
  CHECK(broken(pull, g + wire::command("RE-DY")) == rule::command_name_letters);
  for (const char* c : {"HELLO", "WELCOME", "INITIATE", "PING", "SUBSCRIBE", "Ready", "READYX"})
    CHECK(broken(pull, g + wire::command(c)) == rule::command_expected);

  const std::string p = wire::greeting("PLAIN");
  for (const char* c : {"READY", "HELLO", "INITIATE", "PING"})
    CHECK(broken(plain_client(), p + wire::command(c)) == rule::command_expected);
  for (const char* c : {"READY", "HELLO", "WELCOME", "INITIATE"})
    CHECK((broken(plain_client(), p + wire::command("WELCOME") + wire::command(c)) == rule::command_expected) ==
          (c != "READY"s));
  for (const char* c : {"READY", "WELCOME", "INITIATE"})
    CHECK(broken(plain_server, p + wire::command(c)) == rule::command_expected);
}

TEST_CASE("a password that comes where none belongs is not told") {
  // HELLO without its name, without the name's length, with the length of the password before all.
  for (const std::string& body : {"\0\6secret"s, "\4user\6secret"s, "\6secret"s, "HELLO\4user\6secret"s,
                                  "\x0CHELLO secret"s, "secret"s, "secretsecret\6secret"s, ""s}) {
    handshake server(plain_server);
    server.feed(wire::greeting("PLAIN") + wire::frame(4, body));
    REQUIRE(server.status() == handshake_status::failed);
    CHECK(server.failure().text().find("secret") == std::string::npos);
  }
  handshake server(plain_server);
  server.feed(wire::greeting("PLAIN") + wire::frame(4, "secret"));
  CHECK(server.failure().value == "a name of 115 in 6 octets");
}

TEST_CASE("RFC 24: PLAIN asks this side about the credentials, and then exchanges metadata") {
  handshake client(plain_client()), server(plain_server);
  talk(client, server);
  REQUIRE(server.status() == status::credentials);
  CHECK(server.username() == "user");
  CHECK(server.password() == "secret");
  CHECK(server.feed("\4\1"s) == 0);  // takes nothing until it is decided
  server.accept();
  CHECK(server.password() == "");
  CHECK(server.output() == "\4\x8\7WELCOME"s);
  talk(client, server);
  CHECK(client.status() == status::done);
  REQUIRE(server.status() == status::done);
  CHECK(server.peer().username == "user");
  CHECK(server.peer().identity == "me");
  CHECK(client.peer().type == socket_type::router);
}

TEST_CASE("RFC 24: credentials that are not good end it for both") {
  handshake client(plain_client()), server(plain_server);
  talk(client, server);
  REQUIRE(server.status() == status::credentials);
  server.deny();
  CHECK(server.status() == status::failed);
  CHECK(server.failure().broken == rule::refused_by_us);
  CHECK(server.failure().text().find("secret") == std::string::npos);
  CHECK(server.output() == "\4\xA\5ERROR\3"s + "400");
  talk(client, server);
  CHECK(client.failure().broken == rule::refused_by_peer);
  CHECK(client.failure().value == "\"400\"");
}

TEST_CASE("RFC 24: HELLO is a username and a password, WELCOME is nothing more") {
  const std::string g = wire::greeting("PLAIN");
  const auto hello = [&](const std::string& data) { return broken(plain_server, g + wire::command("HELLO", data)); };
  CHECK(hello("\0\0"s) == rule::none);
  CHECK(hello("\1u\1p"s) == rule::none);
  CHECK(hello("\xFF" + std::string(255, 'u') + "\xFF" + std::string(255, 'p')) == rule::none);
  for (const std::string& data : {""s, "\0"s, "\1u"s, "\1u\2p"s, "\1u\1pX"s, "\xFFu\1p"s})
    CHECK(hello(data) == rule::hello_fields);
  CHECK(after(plain_server, g + wire::command("HELLO", "\6secret")).failure.text().find("secret") == std::string::npos);
  CHECK(broken(plain_client(), g + wire::command("WELCOME", "x")) == rule::welcome_empty);

  handshake client(plain_client(std::string(255, 'u'), std::string(255, 'p')));
  client.feed(g);
  CHECK(client.output().substr(64) ==
        wire::command("HELLO", "\xFF" + std::string(255, 'u') + "\xFF" + std::string(255, 'p')));
}

TEST_CASE("PLAIN with metadata that is refused, on either side, is told by ERROR") {
  handshake client(plain_client()),
      server({.type = socket_type::pull, .side = role::server, .mechanism = security::plain});
  talk(client, server);
  server.accept();
  talk(client, server);
  CHECK(server.failure().broken == rule::socket_type_legal);
  CHECK(client.failure().broken == rule::refused_by_peer);
}

TEST_CASE("options that cannot be sent are misuse") {
  CHECK_THROWS_AS(handshake({.identity = std::string(256, 'i')}), weir::misuse);
  CHECK_THROWS_AS(handshake({.identity = "\0x"s}), weir::misuse);
  CHECK_THROWS_AS(handshake({.username = std::string(256, 'u')}), weir::misuse);
  CHECK_THROWS_AS(handshake({.password = std::string(256, 'p')}), weir::misuse);
  CHECK_THROWS_AS(handshake({.properties = {{"", "v"}}}), weir::misuse);
  CHECK_THROWS_AS(handshake({.properties = {{"no blanks", "v"}}}), weir::misuse);
  CHECK_THROWS_AS(handshake({.properties = {{"identity", "v"}}}), weir::misuse);
  handshake client({.properties = {{"X-lang", "C++"}}}), server({.side = role::server});
  talk(client, server);
  REQUIRE(find(server.peer().properties, "x-lang") != nullptr);
  CHECK(find(server.peer().properties, "x-lang")->value == "C++");
}
