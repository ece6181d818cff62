#include "tests/net/zmtp/codec_fuzz.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "tests/net/zmtp/wire.h"
#include "weir/net/message.h"
#include "weir/net/zmtp/decoder.h"
#include "weir/net/zmtp/encoder.h"
#include "weir/net/zmtp/handshake.h"

namespace fuzz {
namespace {

using namespace weir::net::zmtp;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "codec_fuzz: %s\n", what);
  std::abort();
}

// The first octet of an input.
constexpr unsigned server = 1, plain = 2, publishes = 4, ignores_flags = 8, traffic_only = 16, greeted = 32, small = 64;

handshake_options options(unsigned as) {
  handshake_options o;
  o.type = as & publishes ? socket_type::xpub : socket_type::router;
  o.side = as & server ? role::server : role::client;
  o.mechanism = as & plain ? security::plain : security::null;
  o.most.message = as & small ? 100 : 1 << 20;
  o.most.frames = 100;
  o.most.topic = 1000;
  o.most.properties = 8;
  o.most.reserved_flags_ignored = (as & ignores_flags) != 0;
  return o;
}

struct result {
  handshake_status status = handshake_status::done;
  std::string output, failure;
  std::vector<wire::event> events;
  std::uint64_t offset = 0;
  bool at_boundary = true;

  friend bool operator==(const result&, const result&) = default;
};

// `seed`: of the sizes of the pieces; 0: one piece.
result read(unsigned as, std::string_view bytes, unsigned seed) {
  const handshake_options o = options(as);
  const bool whole = seed == 0;
  result r;
  std::string start;
  if (!(as & traffic_only) && as & greeted) start = wire::greeting(as & plain ? "PLAIN" : "NULL");
  std::optional<handshake> h;
  std::optional<decoder> d;
  if (as & traffic_only)
    d.emplace(o.most, takes_subscriptions(o.type));
  else
    h.emplace(o);
  const auto feed = [&](std::string_view piece) {
    while (h && h->status() != handshake_status::failed && !piece.empty()) {
      if (h->status() == handshake_status::done) {
        if (!d) d.emplace(o.most, takes_subscriptions(o.type), h->offset());
        break;
      }
      piece.remove_prefix(h->feed(piece));
      if (h->status() != handshake_status::credentials) continue;
      if (h->password().size() % 2 == 0)
        h->accept();
      else
        h->deny();
    }
    if (!d || d->failure()) return;
    const std::vector<wire::event> events = wire::decode(*d, piece);
    r.events.insert(r.events.end(), events.begin(), events.end());
  };
  feed(start);
  while (!bytes.empty()) {
    seed = seed * 1'103'515'245 + 12'345;
    const std::size_t n = seed % 2 ? 1 + (seed >> 16) % 3000 : 1 + (seed >> 16) % 7;
    const std::string_view piece = bytes.substr(0, whole ? bytes.size() : n);
    feed(piece);
    bytes.remove_prefix(piece.size());
  }
  if (h) {
    r.status = h->status();
    r.output = h->output();
    if (h->failure()) r.failure = h->failure().text();
    must((r.status == handshake_status::failed) == static_cast<bool>(h->failure()), "failed is a failure");
    if (r.status == handshake_status::done) must(h->peer().identity.size() <= 255, "an identity is bounded");
  }
  if (d) {
    r.offset = d->offset();
    r.at_boundary = d->at_boundary();
    if (d->failure()) r.failure = d->failure().text(), r.at_boundary = true;
  }
  return r;
}

std::vector<wire::event> again(const std::vector<wire::event>& events, unsigned as) {
  encoder e;
  std::string bytes;
  const auto write = [&] {
    const std::size_t before = bytes.size();
    for (const weir::net::const_buffer& p : e.pieces()) bytes.append(reinterpret_cast<const char*>(p.data()), p.size());
    e.wrote(bytes.size() - before);
  };
  for (const wire::event& each : events) {
    switch (each.kind) {
      case input::message: {
        weir::net::message m;
        for (const std::string& f : each.frames) m.push_back(f);
        e.add(std::move(m));
        break;
      }
      case input::subscribe:
        e.subscribe(each.frames[0]);
        break;
      case input::cancel:
        e.cancel(each.frames[0]);
        break;
      case input::ping:
        e.ping(1, each.frames[0]);
        break;
      case input::pong:
        e.pong(each.frames[0]);
        write();  // or a later one would take its place
        break;
      case input::more:
      case input::failed:
        break;
    }
  }
  write();
  decoder d(options(as).most, takes_subscriptions(options(as).type));
  return wire::decode(d, bytes);
}

}  // namespace

void codec(std::string_view input) {
  if (input.size() < 2) return;
  const auto as = static_cast<std::uint8_t>(input[0]), seed = static_cast<std::uint8_t>(input[1]);
  const std::string_view bytes = input.substr(2);
  const result whole = read(as, bytes, 0);
  const result split = read(as, bytes, 1u + seed);
  must(whole.status == split.status, "pieces change how the handshake ends");
  must(whole.output == split.output, "pieces change what the handshake sends");
  must(whole.events == split.events, "pieces change what is decoded");
  must(whole == split, "pieces change what is wrong");

  std::vector<wire::event> events = whole.events;
  if (!events.empty() && events.back().kind == weir::net::zmtp::input::failed) events.pop_back();
  must(again(events, as) == events, "what is encoded is not what is decoded");
}

std::vector<std::string> codec_seeds() {
  using namespace std::string_literals;
  const auto seed = [](unsigned as, std::string_view bytes) {
    return std::string{static_cast<char>(as), '\x11'}.append(bytes);
  };
  const std::string ready =
      wire::command("READY", wire::property("Socket-Type", "DEALER") + wire::property("Identity", "peer"));
  const std::string subscriber = wire::ready("SUB");
  const std::string initiate =
      wire::command("INITIATE", wire::property("socket-type", "REQ") + wire::property("X-a", ""));
  const std::string hello = wire::command("HELLO", wire::with_length("user") + wire::with_length("password"));
  const std::string traffic = wire::frame(0, "short") + wire::frame(1, "") + wire::command("PING", "\0\1context"s) +
                              wire::frame(0, std::string(100, 'm')) + wire::frame(0, std::string(300, 'l')) +
                              wire::command("PONG", "context") + wire::frame(0, std::string(20'000, 'x'));
  const std::string subscriptions = wire::frame(0, "\1topic") + wire::command("SUBSCRIBE", "topic") +
                                    wire::frame(0, "\0topic"s) + wire::command("CANCEL", "topic") +
                                    wire::command("JOIN", "group");
  return {
      seed(0, wire::greeting() + ready + traffic),
      seed(server, wire::greeting() + ready + traffic),
      seed(greeted, ready + traffic),
      seed(publishes, wire::greeting("NULL", 3, 0) + subscriber + subscriptions),
      seed(publishes | server | greeted, subscriber + subscriptions + traffic),
      seed(plain | greeted, wire::command("WELCOME") + ready + traffic),
      seed(plain | server | greeted, hello + initiate + traffic),
      seed(plain | server, wire::greeting("PLAIN") + hello + wire::command("ERROR", wire::with_length("400"))),
      seed(traffic_only, traffic + subscriptions),
      seed(traffic_only | publishes | ignores_flags, "\x18\1x"s + traffic + subscriptions),
      seed(traffic_only | small, traffic),
      seed(traffic_only, "\2\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
      seed(traffic_only, "\6"s + wire::number(1000, 8) + wire::with_length(std::string(255, 'c'))),
  };
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::codec({reinterpret_cast<const char*>(data), size});
  return 0;
}
