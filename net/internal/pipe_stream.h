// Streams over descriptors that are no sockets.
//
// Thread-safety: as stream_core.h.
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <string>

#include "weir/net/internal/fd_stream.h"
#include "weir/net/internal/owned_fd.h"
#include "weir/net/internal/stream_core.h"

namespace weir::net::internal {

// A pipe, a FIFO, a terminal: what epoll can watch.
class pipe_stream final : public fd_stream {
 public:
  pipe_stream(weir::internal::descriptor fd, std::string name, bool only_written) noexcept
      : fd_stream(std::move(fd)), name_(std::move(name)), only_written_(only_written) {}

  io_result finish(deadline limit) override;
  std::string name() const override { return name_; }

 private:
  ssize_t read_now(int fd, const iovec* into, int count) noexcept override;
  ssize_t write_now(int fd, const iovec* from, int count) noexcept override;

  const std::string name_;
  const bool only_written_;  // to end the half is to close
};

// What a descriptor that is no socket refers to.
enum class sort : std::uint8_t {
  file,     // a call may wait for a disk, and nothing tells when it would not
  watched,  // a pipe, a FIFO, a terminal: epoll takes it
  instant,  // a device that never makes one wait
};

// What cannot be made non-blocking: a regular file; a device that never makes one wait; what others share with us. Its
// calls go to the pool, but for the device's. What is watched is waited for first: then the call is made in pieces that
// find it ready still, unless one of those others is quicker. REQUIRES: positions are the file's own, as the shell left
// them.
class file_stream final : public stream_core {
 public:
  file_stream(owned_fd fd, std::string name, sort s);

  io_result read(const iovec* into, int count, deadline limit) override;
  io_result write(const iovec* from, int count, deadline limit) override;
  io_result finish(deadline limit) override;
  std::string name() const override { return name_; }
  bool ready(direction d) override;
  enrolled enroll(direction d, wait_node& node) override { return waits(d) ? fd_.enroll(d, node) : enroll_ready(node); }
  void withdraw(direction d, wait_node& node) noexcept override {
    if (waits(d)) fd_.withdraw(d, node);
  }
  bool confirm(direction d) override { return ready(d); }

 private:
  void close_now() noexcept override { fd_.close(); }
  // Others decide when a call may go on. In the wrong direction it fails at once.
  bool waits(direction d) const noexcept {
    return sort_ == sort::watched && mode_ != (d == direction::read ? O_WRONLY : O_RDONLY);
  }
  // call(fd, flags): preadv2(2) or pwritev2(2).
  template <class Call>
  io_result transfer(direction way, const char* verb, deadline limit, Call call);

  const sort sort_;
  const int mode_;                 // O_RDONLY, O_WRONLY or O_RDWR
  weir::internal::descriptor fd_;  // not non-blocking: it is looked at before each call
  const std::string name_;
  weir::internal::atomic<bool> finished_{false};
};

// pwritev2(2) at the position, without SIGPIPE.
ssize_t write_quietly(int fd, const iovec* from, int count, int flags = 0) noexcept;

}  // namespace weir::net::internal
