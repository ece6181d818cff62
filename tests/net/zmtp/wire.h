// ZMTP's bytes as the RFCs spell them, written without weir's encoder; and what a decoder makes of bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/net/message.h"
#include "weir/net/zmtp/decoder.h"

namespace wire {

using namespace std::string_literals;

inline std::string number(std::uint64_t n, int octets) {
  std::string s;
  for (int i = octets - 1; i >= 0; --i) s += static_cast<char>(n >> (8 * i));
  return s;
}

inline std::string short_frame(int flags, std::string_view body) {
  return std::string{static_cast<char>(flags), static_cast<char>(body.size())}.append(body);
}
inline std::string long_frame(int flags, std::string_view body) {
  return std::string(1, static_cast<char>(flags | 2)).append(number(body.size(), 8)).append(body);
}
inline std::string frame(int flags, std::string_view body) {
  return body.size() <= 255 ? short_frame(flags, body) : long_frame(flags, body);
}

inline std::string with_length(std::string_view s) { return std::string(1, static_cast<char>(s.size())).append(s); }
inline std::string command(std::string_view name, std::string_view data = {}) {
  return frame(4, with_length(name).append(data));
}
inline std::string property(std::string_view name, std::string_view value) {
  return with_length(name).append(number(value.size(), 4)).append(value);
}

inline std::string greeting(std::string_view mechanism = "NULL", int major = 3, int minor = 1) {
  std::string g = "\xFF"s + std::string(8, '\0') + "\x7F"s;
  g += static_cast<char>(major);
  g += static_cast<char>(minor);
  g += mechanism;
  g.resize(64, '\0');
  return g;
}
inline std::string ready(std::string_view type) { return command("READY", property("Socket-Type", type)); }

struct event {
  weir::net::zmtp::input kind;
  std::vector<std::string> frames = {};

  friend bool operator==(const event&, const event&) = default;
};

inline event event_of(weir::net::zmtp::input kind, const weir::net::message& m) {
  event e{kind};
  for (const weir::net::frame& f : m) e.frames.emplace_back(f.text());
  return e;
}

// All that `d` has to say; ends with `failed`, if it has.
inline std::vector<event> drain(weir::net::zmtp::decoder& d) {
  std::vector<event> events;
  weir::net::message m;
  for (;;) {
    const weir::net::zmtp::input kind = d.next(m);
    if (kind == weir::net::zmtp::input::more) return events;
    if (kind == weir::net::zmtp::input::failed) return events.push_back({kind}), events;
    events.push_back(event_of(kind, m));
  }
}

// What comes out when `bytes` come in, `step` at a time.
inline std::vector<event> decode(weir::net::zmtp::decoder& d, std::string_view bytes, std::size_t step = SIZE_MAX) {
  std::vector<event> events;
  while (!bytes.empty()) {
    const std::size_t n = d.feed(bytes.substr(0, step));
    bytes.remove_prefix(n);
    std::vector<event> now = drain(d);
    events.insert(events.end(), now.begin(), now.end());
    if (d.failure()) break;
  }
  return events;
}

}  // namespace wire
