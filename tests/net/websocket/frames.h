// Frames as the RFC draws them, written without the library, broken ones too; and what a decoder makes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/net/websocket/codec.h"

namespace wire {

using weir::net::websocket::decoder;
using weir::net::websocket::input;
using weir::net::websocket::message;
using weir::net::websocket::role;

struct shape {
  bool fin = true;
  unsigned rsv = 0;
  bool masked = true;  // as a client's
  int form = 0;        // octets that carry the length: 1, 2, 8; 0: as few as can be
};

inline std::string frame(unsigned opcode, std::string_view payload, shape s = {}) {
  std::string all;
  const auto put = [&](std::uint64_t n, int octets) {
    while (octets-- > 0) all += static_cast<char>(n >> 8 * octets & 0xFF);
  };
  put((s.fin ? 0x80u : 0) | s.rsv << 4 | opcode, 1);
  const int form = s.form != 0 ? s.form : payload.size() < 126 ? 1 : payload.size() < 65536 ? 2 : 8;
  const unsigned mask = s.masked ? 0x80 : 0;
  put(mask | (form == 1 ? payload.size() : form == 2 ? 126 : 127), 1);
  if (form != 1) put(payload.size(), form);
  const char key[] = {'\x37', '\xfa', '\x21', '\x3d'};
  if (s.masked) all.append(key, 4);
  for (std::size_t i = 0; i < payload.size(); ++i)
    all += s.masked ? static_cast<char>(payload[i] ^ key[i % 4]) : payload[i];
  return all;
}

constexpr unsigned continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10;

inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)} + std::string(reason);
}

struct event {
  input kind = input::more;
  message what = {};
  friend bool operator==(const event&, const event&) = default;
};

// All events that `bytes` bring, `close` and `failed` once.
inline std::vector<event> decode(decoder& d, std::string_view bytes) {
  std::vector<event> all;
  for (;;) {
    event e;
    e.kind = d.next(bytes, e.what);
    if (e.kind == input::more) return all;
    if (e.kind == input::close || e.kind == input::failed) return all.push_back({e.kind}), all;
    all.push_back(e);
  }
}

// What a server's (else a client's) decoder says to `bytes`, in pieces of `most`; and why, if it fails.
struct outcome {
  std::vector<event> events;
  weir::net::websocket::rule broken;
  std::string failure;
  weir::net::websocket::close_reason close;
  friend bool operator==(const outcome&, const outcome&) = default;
};
inline outcome read(std::string_view bytes, std::size_t piece = std::string_view::npos, role side = role::server,
                    std::size_t limit = 1 << 20) {
  decoder d(side, limit);
  outcome o;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    for (event& e : decode(d, part)) o.events.push_back(std::move(e));
    if (!o.events.empty() && (o.events.back().kind == input::close || o.events.back().kind == input::failed)) break;
  }
  o.broken = d.failure().broken;
  o.failure = d.failure().text();
  o.close = d.peer_close();
  return o;
}

}  // namespace wire
