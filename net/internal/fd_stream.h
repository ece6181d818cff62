// A stream over a descriptor: the system call first, and the actor parks if it would block (runtime/internal/
// descriptor.h). What kind of call it is, and how a half is ended, is the derived class's.
//
// Thread-safety: as stream_core.h.
//
// A reset is told by the kernel once, to a read or to a write: the next read says `end`. So it is kept, and every later
// write tells it again, and every later read, once what came before it has been read; and of an end it is asked whether
// it is one.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <string>

#include "weir/net/internal/stream_core.h"
#include "weir/net/io_result.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/descriptor.h"

namespace weir::net::internal {

class fd_stream : public stream_core {
 public:
  io_result read(const iovec* into, int count, deadline limit) override;
  io_result write(const iovec* from, int count, deadline limit) override;

  bool ready(direction d) override;
  enrolled enroll(direction d, wait_node& node) override { return fd_.enroll(d, node); }
  void withdraw(direction d, wait_node& node) noexcept override { fd_.withdraw(d, node); }
  // Urgent data wakes readers, too, and so may bytes that somebody has read before the wake-up was under way.
  bool confirm(direction d) override { return ready(d); }

  const weir::internal::descriptor& fd() const noexcept { return fd_; }

 protected:
  explicit fd_stream(weir::internal::descriptor fd) noexcept : fd_(std::move(fd)) {}
  ~fd_stream() override = default;

  void close_now() noexcept override { fd_.close(); }

  // The system calls: what they return, and errno.
  virtual ssize_t read_now(int fd, const iovec* into, int count) noexcept = 0;
  virtual ssize_t write_now(int fd, const iovec* from, int count) noexcept = 0;
  // A read has said `end`: whether that is what is left of a reset which a write at the same time was told of.
  virtual bool is_torn(int) const noexcept { return false; }

  // What errno `code` of `verb` means: a reset, which is kept, or net::error.
  io_result failed(const char* verb, int code);
  // This side has ended its writing half: a write is `closed`, whatever the kernel says.
  void finished() noexcept { finished_.store(true, std::memory_order_relaxed); }
  bool is_finished() const noexcept { return finished_.load(std::memory_order_relaxed); }

 private:
  template <class Call>
  io_result transfer(direction way, const char* verb, const iovec* pieces, int count, deadline limit, Call call);

  weir::internal::descriptor fd_;
  // An errno; 0: none. Relaxed, both: a reader and a writer that learn of it a moment late ask the kernel, which knows.
  weir::internal::atomic<int> broken_{0};
  weir::internal::atomic<bool> finished_{false};
};

}  // namespace weir::net::internal
