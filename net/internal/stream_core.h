// What a stream is made of: the one interface that TCP, Unix sockets, pipes, TLS and memory implement.
//
// Thread-safety: retain, release, close, name, counters: all. read() by one at a time, write() and finish() by one at a
// time, beside each other; stream.cc sees to it.
//
// Invariants:
//  1. `busy` of a side is set exactly while an operation of that side runs. unread_ belongs to who has set that of
//  `reading`.
//  2. After close() every operation ends at once with `closed`, those that wait included, and unread_ is nobody's.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/net/io_result.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/enrolled.h"
#include "weir/runtime/internal/readiness.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir::net::internal {

using weir::internal::enrolled;
using weir::internal::wait_node;

using weir::internal::direction;

class stream_core {
 public:
  stream_core(const stream_core&) = delete;
  stream_core& operator=(const stream_core&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  // Acq_rel: whoever frees it comes after all that the other owners did.
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // At least one byte, or why not; parks until then. REQUIRES: room for a byte. A cancel throws weir::cancelled; while
  // unwinding it is as `closed`.
  virtual io_result read(const iovec* into, int count, deadline limit) = 0;
  // The same for writing. REQUIRES: at least one byte is given.
  virtual io_result write(const iovec* from, int count, deadline limit) = 0;
  // Ends the writing half, in order: the peer reads all that was written, then the end.
  virtual io_result finish(deadline limit) = 0;
  void close() noexcept {
    close_called_.store(true, std::memory_order_relaxed);
    close_now();
  }
  bool is_closed() const noexcept { return close_called_.load(std::memory_order_relaxed); }
  // `tcp://127.0.0.1:80`, for errors and dumps.
  virtual std::string name() const = 0;

  // For select: whether a read (write) would not have to wait, be it for bytes or for an end. All of it by one at a
  // time for each direction.
  virtual bool ready(direction d) = 0;
  virtual enrolled enroll(direction d, wait_node& node) = 0;
  virtual void withdraw(direction d, wait_node& node) noexcept = 0;
  // A select that waited was woken by what it had enrolled: whether ready() holds. Streams on top of others are woken
  // by bytes that may not be enough for them.
  virtual bool confirm(direction) { return true; }

  // For stream::expect: throws what it was that ended in `reset` with this code.
  [[noreturn]] virtual void throw_reset(const char* operation, int code) const;

  // One direction, as it is seen by those who call.
  struct side {
    // Set by who begins an operation, cleared when it ends. Acquire and release: the next one sees what the last did.
    weir::internal::atomic<bool> busy{false};
    // Written by who has set busy; relaxed, as others take it for what it was a moment ago.
    weir::internal::atomic<std::uint64_t> bytes{0};
    weir::internal::operation_budget budget;

    void add(std::size_t n) noexcept {
      bytes.store(bytes.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
  };
  side reading, writing;

  // What read_until has read beyond its delimiter, until close(); guarded by reading.busy.
  std::string_view unread() const noexcept {
    return is_closed() ? std::string_view() : std::string_view(unread_).substr(unread_from_);
  }
  void consume(std::size_t n) noexcept {
    unread_from_ += n;
    if (unread_from_ == unread_.size()) unread_.clear(), unread_from_ = 0;
  }
  // Reads once, behind what is there.
  io_result read_more(std::size_t most, deadline limit);

 protected:
  stream_core() = default;
  virtual ~stream_core() = default;

  // Ends both halves, and every operation in progress.
  virtual void close_now() noexcept = 0;

 private:
  weir::internal::atomic<std::uint32_t> references_{1};  // the handles; who takes the last one frees it
  // Relaxed: a call beside close() may come before it as well as after it.
  weir::internal::atomic<bool> close_called_{false};
  std::string unread_;
  std::size_t unread_from_ = 0;
};

}  // namespace weir::net::internal
