// A descriptor that is closed when its owner goes, until somebody takes it over.
//
// Thread-safety: none.
#pragma once

#include <unistd.h>

#include <utility>

namespace weir::net::internal {

class owned_fd {
 public:
  explicit owned_fd(int fd = -1) noexcept : fd_(fd) {}
  owned_fd(owned_fd&& other) noexcept : fd_(other.release()) {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    owned_fd old(std::move(*this));
    fd_ = other.release();
    return *this;
  }
  ~owned_fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

}  // namespace weir::net::internal
