// Streams over descriptors that are no sockets.
//
// Thread-safety: as stream_core.h.
#pragma once

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

// A regular file, or a device that never makes one wait. REQUIRES: positions are the file's own, as the shell left
// them.
class file_stream final : public stream_core {
 public:
  // `slow`: a call may wait for a disk, and goes to the pool.
  file_stream(owned_fd fd, std::string name, bool slow);

  io_result read(const iovec* into, int count, deadline limit) override;
  io_result write(const iovec* from, int count, deadline limit) override;
  io_result finish(deadline limit) override;
  std::string name() const override { return name_; }
  bool ready(direction) override { return true; }
  enrolled enroll(direction, wait_node& node) override { return enroll_ready(node); }
  void withdraw(direction, wait_node&) noexcept override {}

 private:
  void close_now() noexcept override { fd_.close(); }
  template <class Call>
  io_result transfer(direction way, const char* verb, Call call);

  weir::internal::descriptor fd_;  // for its counted operations only: it is never waited for
  const std::string name_;
  const bool slow_;
  weir::internal::atomic<bool> finished_{false};
};

// write(2) without SIGPIPE.
ssize_t write_quietly(int fd, const iovec* from, int count) noexcept;

}  // namespace weir::net::internal
