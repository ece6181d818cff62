#include "tests/net/websocket/frames_fuzz.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/net/websocket/frames.h"

namespace fuzz {
namespace {

using namespace weir::net::websocket;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "frames_fuzz: %s\n", what);
  std::abort();
}

// The first octet of an input.
constexpr unsigned server = 1, small = 2;

}  // namespace

void frames(std::string_view input) {
  if (input.size() < 2) return;
  const unsigned as = static_cast<std::uint8_t>(input[0]);
  const std::size_t piece = 1 + static_cast<std::uint8_t>(input[1]);
  const role side = as & server ? role::server : role::client;
  const std::size_t limit = as & small ? 100 : 1 << 16;
  const std::string_view bytes = input.substr(2);

  const wire::outcome whole = wire::read(bytes, std::string_view::npos, side, limit);
  must(whole == wire::read(bytes, piece, side, limit), "other pieces, another outcome");
  must(whole == wire::read(bytes, 1, side, limit), "single bytes, another outcome");

  // What was understood is written by the other side, and understood again.
  encoder out(side == role::server ? role::client : role::server);
  std::string again;
  for (const wire::event& e : whole.events) {
    const std::string& data = e.what.data;
    switch (e.kind) {
      case input::message:
        must(data.size() <= limit, "a message over the limit");
        must(e.what.kind == message_kind::binary || is_utf8(data), "text that is no UTF-8");
        out.add(again, e.what);
        break;
      case input::ping:
      case input::pong:
        must(data.size() <= 125, "a control frame of more than 125 octets");
        e.kind == input::ping ? out.ping(again, data) : out.pong(again, data);
        break;
      case input::close:
        must(whole.close.code == close_code::no_code || may_be_sent(whole.close.code), "a code that may not be sent");
        must(is_utf8(whole.close.text), "a reason that is no UTF-8");
        out.close(again, whole.close.code, whole.close.text);
        break;
      case input::failed:
        must(whole.broken != rule::none, "a failure without a rule");
        break;
      case input::more:
        must(false, "more as an event");
    }
  }
  std::vector<wire::event> events = whole.events;
  if (whole.broken != rule::none) events.pop_back();
  const wire::outcome second = wire::read(again, std::string_view::npos, side, limit);
  must(second.events == events && second.close == whole.close, "what is written is read as something else");
}

std::vector<std::string> frames_seeds() {
  std::vector<std::string> all;
  const auto add = [&](unsigned as, char pieces, const std::string& bytes) {
    all.push_back(std::string{static_cast<char>(as), pieces} + bytes);
  };
  for (const unsigned as : {0u, server, small, server | small}) {
    const bool masked = as & server;
    const auto frame = [&](unsigned opcode, std::string_view payload, bool fin = true) {
      return wire::frame(opcode, payload, {.fin = fin, .masked = masked});
    };
    add(as, 3, frame(wire::text, "hello") + frame(wire::binary, std::string(99, '\xFF')) + frame(wire::ping, "p"));
    add(as, 1,
        frame(wire::text, "\xE2", false) + frame(wire::pong, "") + frame(wire::continuation, "\x82", false) +
            frame(wire::continuation, "\xAC") + frame(wire::close, wire::close_payload(1000, "bye")));
    add(as, 100, frame(wire::binary, std::string(300, 'b')) + frame(wire::close, ""));
  }
  return all;
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::frames({reinterpret_cast<const char*>(data), size});
  return 0;
}
