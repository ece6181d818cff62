// An open file and the calls on it that are in flight: so that close() never takes the descriptor from under one.
//
// Thread-safety: all of it.
//
// Invariants:
//  1. The descriptor is closed once, by whoever sees that `closed` is set and no call is in flight: close(), or the
//     last call to leave.
//  2. Once `closed` is set no call enters.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

namespace weir::net::internal {

class open_file {
 public:
  // Owns `fd`. `regular`: reads of what the kernel has in memory need no other thread.
  open_file(int fd, std::string path, bool regular, bool appends) noexcept
      : path_(std::move(path)), fd_(fd), appends_(appends), may_peek_(regular) {}
  open_file(const open_file&) = delete;
  ~open_file() { close(); }

  const std::string& path() const noexcept { return path_; }
  // REQUIRES: inside a call, or nobody closes.
  int fd() const noexcept { return fd_; }
  bool appends() const noexcept { return appends_; }
  bool is_open() const noexcept { return (word_.load(std::memory_order_relaxed) & closed) == 0; }

  // A call begins; false: it is closed.
  bool enter() noexcept;
  void leave() noexcept;
  // Idempotent. The errno of close(2); 0 if it was closed before or calls are in flight, the last of which closes it.
  int close() noexcept;

  // The file system can say at once whether a read would have to wait (RWF_NOWAIT). Relaxed: it orders nothing, and
  // a stale answer costs a refused system call.
  bool may_peek() const noexcept { return may_peek_.load(std::memory_order_relaxed); }
  void no_peeking() noexcept { may_peek_.store(false, std::memory_order_relaxed); }

  // Bytes that went out. Relaxed: a count, read by whoever has waited for the call it asks about.
  void count_written(std::uint64_t bytes) noexcept { written_.fetch_add(bytes, std::memory_order_relaxed); }
  std::uint64_t written() const noexcept { return written_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t closed = 1u << 31;

  const std::string path_;
  const int fd_;
  const bool appends_;
  // The number of calls in flight, and `closed`. Acquire-release throughout: who finds itself the last sees all that
  // the calls before it did with the descriptor.
  std::atomic<std::uint32_t> word_{0};
  std::atomic<bool> may_peek_;
  std::atomic<std::uint64_t> written_{0};
};

// A call in flight.
class file_use {
 public:
  enum closed_rule { or_closed };
  // Null, and closed files, give a use that is false.
  file_use(open_file* file, closed_rule);
  // For them this one throws net::error (errc::closed).
  file_use(open_file* file, const char* operation);
  file_use(const file_use&) = delete;
  ~file_use() {
    if (file_ != nullptr) file_->leave();
  }
  explicit operator bool() const noexcept { return file_ != nullptr; }
  // REQUIRES: true.
  open_file& file() const noexcept { return *file_; }
  int fd() const noexcept { return file_->fd(); }
  const std::string& path() const noexcept { return file_->path(); }

 private:
  open_file* const file_;
};

}  // namespace weir::net::internal
