// One direction of a memory_pair: a ring of bytes with one reader and one writer, and faults.
//
// Thread-safety: all of it. A std::mutex, as bytes are copied under it; it is never held over a park.
//
// Invariants (under lock_):
//  1. size_ bytes from from_ on are written and not read; delivered_ were read. size_ > 0 only if ring_ is there.
//  2. Whoever makes a read (write) possible claims those who wait for it, in the same section.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>

#include "weir/net/internal/stream_core.h"
#include "weir/net/io_result.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::net::internal {

class memory_pipe {
 public:
  memory_pipe(std::size_t capacity, std::string name) : capacity_(capacity), name_(std::move(name)) {}

  io_result read(const iovec* into, int count, deadline limit);
  io_result write(const iovec* from, int count, deadline limit);
  void end_writing() noexcept { change(writer_gone_, true); }
  void end_reading() noexcept { change(reader_gone_, true); }

  bool ready(direction d) {
    std::lock_guard guard(lock_);
    return ready_locked(d);
  }
  enrolled enroll(direction d, wait_node& node);
  void withdraw(direction d, wait_node& node) noexcept;

  // `name memory_test.cc:12`.
  const std::string& name() const noexcept { return name_; }

  // The faults of memory_link.
  void most_per_read(std::size_t n) noexcept { change(most_per_read_, n); }
  void most_per_write(std::size_t n) noexcept { change(most_per_write_, n); }
  void stall(bool on) noexcept { change(stalled_, on); }
  void reset_after(std::uint64_t bytes) noexcept { change(reset_at_, bytes); }
  std::size_t under_way() {
    std::lock_guard guard(lock_);
    return size_;
  }

 private:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  // Sets a field, and wakes everybody for whom that may matter.
  template <class T>
  void change(T& field, T value) noexcept {
    lock_.lock();
    field = value;
    weir::internal::wait_node* const readers = ready_locked(direction::read) ? readers_.claim_all() : nullptr;
    weir::internal::wait_node* const writers = ready_locked(direction::write) ? writers_.claim_all() : nullptr;
    lock_.unlock();
    wake_all(readers);
    wake_all(writers);
  }

  bool is_reset() const noexcept { return delivered_ >= reset_at_; }
  bool ready_locked(direction d) const noexcept {
    if (d == direction::read) return reader_gone_ || is_reset() || (!stalled_ && (size_ > 0 || writer_gone_));
    return writer_gone_ || reader_gone_ || is_reset() || size_ < capacity_;
  }
  // Moves at most `most` bytes between the ring and the pieces; how many.
  std::size_t take(const iovec* into, int count, std::size_t most) noexcept;
  std::size_t put(const iovec* from, int count, std::size_t most);
  // Parks in `list` until something has changed, and returns true, holding the lock; else says why not.
  bool wait(weir::internal::wait_list& list, const char* verb, deadline limit, io_result& why_not);

  const std::size_t capacity_;
  const std::string name_;

  std::mutex lock_;
  // Guarded by lock_:
  std::unique_ptr<std::byte[]> ring_;
  std::size_t from_ = 0, size_ = 0;
  std::uint64_t delivered_ = 0;
  bool writer_gone_ = false, reader_gone_ = false, stalled_ = false;
  std::size_t most_per_read_ = std::numeric_limits<std::size_t>::max(), most_per_write_ = most_per_read_;
  std::uint64_t reset_at_ = never;
  weir::internal::wait_list readers_, writers_;
};

}  // namespace weir::net::internal
