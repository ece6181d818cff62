// Descriptors for tests: pairs of them, and reads and writes as a stream does them.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "weir/runtime/internal/descriptor.h"

namespace testing {

using weir::internal::descriptor;
using weir::internal::direction;
using weir::internal::wait_result;

// A write to what the other side has closed is an error here.
inline const auto sigpipe_before = signal(SIGPIPE, SIG_IGN);

struct fd_pair {
  int a, b;
};

inline fd_pair sockets(int type = SOCK_STREAM) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  return {ends[0], ends[1]};
}

// One of whose numbers, `a`, is that one, which was closed just now. The kernel gives the lowest that is free: another
// thread may have this one for a moment, or have left a lower one.
inline fd_pair sockets_at(int number) {
  for (std::vector<fd_pair> others;;) {
    const fd_pair p = sockets();
    if (p.a != number && p.b != number) {
      others.push_back(p);
      continue;
    }
    for (const fd_pair& o : others) close(o.a), close(o.b);
    return p.a == number ? p : fd_pair{p.b, p.a};
  }
}

inline fd_pair pipe_ends() {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  return {ends[0], ends[1]};
}

inline bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

struct transfer {
  wait_result how;
  std::size_t bytes = 0;
  int error = 0;
};

// `call(fd)` until it does not block.
template <class Call>
transfer transfer_some(const descriptor& d, direction which, std::size_t asked, weir::deadline limit, Call call) {
  const char* const verb = which == direction::read ? "read" : "write";
  descriptor::operation op(d, which, verb, weir::site::current());
  while (op) {
    if (op.may_try()) {
      const ssize_t n = call(op.fd());
      if (n >= 0) {
        op.transferred(static_cast<std::size_t>(n), asked);
        return {wait_result::ready, static_cast<std::size_t>(n)};
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return {wait_result::ready, 0, errno};
      op.would_block();
    }
    const weir::internal::descriptor_wait why(verb, op.fd(), weir::site::current());
    if (const wait_result r = op.wait(why, limit); r != wait_result::ready) return {r};
  }
  return {wait_result::closed};
}

inline transfer read_some(const descriptor& d, void* to, std::size_t size, weir::deadline limit = {}) {
  return transfer_some(d, direction::read, size, limit, [&](int fd) { return ::read(fd, to, size); });
}

inline transfer write_some(const descriptor& d, const void* from, std::size_t size, weir::deadline limit = {}) {
  return transfer_some(d, direction::write, size, limit, [&](int fd) { return ::write(fd, from, size); });
}

// What comes next, up to 64 bytes; empty: the end, closed, or an error.
inline std::string read_text(const descriptor& d, weir::deadline limit = {}) {
  char buffer[64];
  const transfer t = read_some(d, buffer, sizeof buffer, limit);
  return {buffer, t.bytes};
}

inline bool write_all(const descriptor& d, std::string_view text) {
  while (!text.empty()) {
    const transfer t = write_some(d, text.data(), text.size());
    if (t.bytes == 0) return false;
    text.remove_prefix(t.bytes);
  }
  return true;
}

}  // namespace testing
