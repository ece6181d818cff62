// A stream over a connected socket: TCP and Unix.
//
// Thread-safety: as stream_core.h.
#pragma once

#include <string>

#include "weir/net/address.h"
#include "weir/net/endpoint.h"
#include "weir/net/internal/fd_stream.h"
#include "weir/net/internal/owned_fd.h"

namespace weir::net::internal {

class socket_stream final : public fd_stream {
 public:
  socket_stream(weir::internal::descriptor fd, transport over, const address& peer) noexcept
      : fd_stream(std::move(fd)), over_(over), peer_(peer) {}

  io_result finish(deadline limit) override;
  std::string name() const override { return text_of(over_, peer_); }

  const address& peer() const noexcept { return peer_; }
  // The next close, or the last one's, throws away what was not sent yet, and the peer reads a reset.
  void linger_no_more() noexcept;

 private:
  ssize_t read_now(int fd, const iovec* into, int count) noexcept override;
  ssize_t write_now(int fd, const iovec* from, int count) noexcept override;
  bool is_torn(int fd) const noexcept override;

  const transport over_;
  const address peer_;
};

// A new stream around `fd`, which it takes over, if it can be made.
socket_stream* make_socket_stream(owned_fd fd, transport over, const address& peer);
// The descriptor that suits such a socket.
weir::internal::descriptor watch_socket(owned_fd fd, transport over);

}  // namespace weir::net::internal
