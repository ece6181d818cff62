#include "weir/net/internal/fd_stream.h"

#include <cerrno>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/internal/as_net_error.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {
namespace {

using weir::internal::descriptor;
using weir::internal::wait_result;

std::size_t size_of(const iovec* pieces, int count) noexcept {
  std::size_t size = 0;
  for (int i = 0; i < count; ++i) size += pieces[i].iov_len;
  return size;
}

}  // namespace

io_result fd_stream::failed(const char* verb, int code) {
  if (!is_reset(code)) throw error(code, verb, name());
  broken_.store(code, std::memory_order_relaxed);
  return {io_status::reset, code, 0};
}

template <class Call>
io_result fd_stream::transfer(direction way, const char* verb, const iovec* pieces, int count, deadline limit,
                              Call call) {
  const auto reset = [&] { return broken_.load(std::memory_order_relaxed); };
  if (way == direction::write && reset() != 0 && fd_.is_open()) return {io_status::reset, reset(), 0};
  // Not to the kernel: it would answer with the error that belongs to the reader.
  if (way == direction::write && is_finished()) return {io_status::closed, 0, 0};
  const weir::internal::wait_for why(verb, [this] { return name(); });
  descriptor::operation op(fd_, way, verb, {});
  bool tried = false;
  while (op) {
    // What the kernel has, counts, even if the worker has not heard of it yet: so a call whose time is over tries too;
    // and so does a read after a reset, for what came before it.
    if (op.may_try() || (!tried && (reset() != 0 || limit.expired()))) {
      tried = true;
      const ssize_t n = call(op.fd());
      const int code = errno;
      if (n > 0) {
        const auto done = static_cast<std::size_t>(n);
        op.transferred(done, size_of(pieces, count));
        return {io_status::ok, 0, done};
      }
      if (n == 0) {
        if (reset() != 0) return {io_status::reset, reset(), 0};
        if (is_torn(op.fd())) return failed(verb, ECONNRESET);
        return {io_status::end, 0, 0};
      }
      if (code == EINTR) continue;
      if (code != EAGAIN && code != EWOULDBLOCK) return failed(verb, code);
      if (reset() != 0) return {io_status::reset, reset(), 0};
      op.would_block();
    }
    switch (as_net_error(why, [&] { return op.wait(why, limit); })) {
      case wait_result::ready:
        continue;
      case wait_result::timeout:
        return {io_status::timeout, 0, 0};
      case wait_result::closed:
        return {io_status::closed, 0, 0};
      case wait_result::cancelled:
        weir::internal::meet_cancel(verb);
        return {io_status::closed, 0, 0};
    }
  }
  return {io_status::closed, 0, 0};
}

bool fd_stream::ready(direction d) {
  if (broken_.load(std::memory_order_relaxed) != 0) return true;
  const weir::internal::wait_for why(d == direction::read ? "read" : "write", [this] { return name(); });
  return as_net_error(why, [&] { return fd_.look(d); });
}

io_result fd_stream::read(const iovec* into, int count, deadline limit) {
  return transfer(direction::read, "read", into, count, limit, [&](int fd) { return read_now(fd, into, count); });
}

io_result fd_stream::write(const iovec* from, int count, deadline limit) {
  return transfer(direction::write, "write", from, count, limit, [&](int fd) { return write_now(fd, from, count); });
}

}  // namespace weir::net::internal
