#include "weir/net/files/internal/open_file.h"

#include <unistd.h>

#include <cerrno>

#include "weir/net/error.h"
#include "weir/runtime/this_actor.h"

namespace weir::net::internal {
namespace {

// On Linux the descriptor is gone whatever close(2) says.
int close_descriptor(int fd) noexcept { return ::close(fd) == 0 || errno == EINTR ? 0 : errno; }

open_file* entered(open_file* file) {
  if (file != nullptr && file->enter()) return file;
  this_actor::check_cancel();  // what a cancel has closed does not look like an end
  return nullptr;
}

}  // namespace

bool open_file::enter() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);  // the exchange decides
  do {
    if ((word & closed) != 0) return false;
  } while (!word_.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
  return true;
}

void open_file::leave() noexcept {
  if (word_.fetch_sub(1, std::memory_order_acq_rel) == (closed | 1)) close_descriptor(fd_);
}

int open_file::close() noexcept {
  return word_.fetch_or(closed, std::memory_order_acq_rel) == 0 ? close_descriptor(fd_) : 0;
}

file_use::file_use(open_file* file, closed_rule) : file_(entered(file)) {}

file_use::file_use(open_file* file, const char* operation) : file_(entered(file)) {
  if (file_ == nullptr) throw error(make_error_code(errc::closed), operation, file != nullptr ? file->path() : "");
}

}  // namespace weir::net::internal
