// A peer that writes whatever frames a test wants, and never answers by itself.
#pragma once

#include <deque>
#include <string>
#include <utility>

#include "tests/net/websocket/frames.h"
#include "weir/net/stream.h"

namespace wire {

class raw_peer {
 public:
  // `side`: that of the peer.
  raw_peer(weir::net::stream s, role side) : stream(std::move(s)), side_(side), in_(side, std::size_t{1} << 30) {}

  std::string as_sent(unsigned opcode, std::string_view payload, bool fin = true) const {
    return frame(opcode, payload, {.fin = fin, .masked = side_ == role::client});
  }
  bool send(unsigned opcode, std::string_view payload, bool fin = true) {
    return static_cast<bool>(stream.write_all(as_sent(opcode, payload, fin)));
  }
  // What comes next; `more`: the end of the stream.
  event next() {
    for (;;) {
      event e;
      e.kind = in_.next(bytes_, e.what);
      if (e.kind != input::more) return e;
      const weir::net::io_result r = stream.read_some(buffer_);
      if (!r) return {input::more};
      bytes_ = std::string_view(buffer_).substr(0, r.bytes);
    }
  }
  const weir::net::websocket::close_reason& closed_with() const { return in_.peer_close(); }
  // Whether the stream ends here, in order.
  bool at_end() { return stream.read_some(buffer_).status == weir::net::io_status::end; }

  weir::net::stream stream;

 private:
  const role side_;
  decoder in_;
  std::string buffer_ = std::string(4096, '\0');
  std::string_view bytes_;
};

}  // namespace wire
