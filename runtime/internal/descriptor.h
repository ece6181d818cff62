// A descriptor that weir owns: the system call first, and if it would block, the actor parks until the kernel says that
// it is worth another try. Actors may use it on any worker, and plain threads too.
//
//   descriptor::operation op(d, direction::read, "read", where);   // counted; the only reader
//   while (op) {
//     if (op.may_try()) {
//       const ssize_t n = recv(op.fd(), buffer, size, 0);
//       if (n >= 0) return op.transferred(n, size), n;
//       if (errno != EAGAIN) throw ...;                            // EINTR: try again
//       op.would_block();
//     }
//     if (const wait_result r = op.wait(why, limit); r != wait_result::ready) return r;
//   }
//   // closed
//
// At its first wait the descriptor joins the set of the worker that the actor is on, edge-triggered, for both
// directions: one system call in its life. From then on a wait costs none, and after a short transfer not even the call
// that would have blocked is made (kind::bytes).
//
// close() may come at any moment, from anybody: no operation begins any more, who waits is woken, and the last
// operation out closes the descriptor. So no system call ever meets a number that is another's by now.
//
// Thread-safety: all of it, but that the handle itself must outlive the begin of each operation: who moves it, assigns
// it or ends it excludes the others. An operation that has begun needs the handle no more.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/enrolled.h"
#include "weir/runtime/internal/readiness.h"
#include "weir/runtime/internal/wait_reason.h"

namespace weir::internal {

struct watched;

class descriptor {
 public:
  enum class kind : std::uint8_t {
    records,  // only would-block says that it is not ready: listeners, datagrams, terminals, Unix sockets (a
              // descriptor that is passed ends a read), pipes that are read (a packet does)
    bytes,    // so does a transfer shorter than asked: TCP, pipes that are written
  };
  enum class users : std::uint8_t {
    one,   // at most one operation in each direction; a second one is misuse
    many,  // any number; each event wakes all that wait in its direction
  };

  descriptor() noexcept = default;  // none
  // Takes over `fd`, which must be open and non-blocking. Throws std::bad_alloc, and then `fd` is still the caller's.
  explicit descriptor(int fd, kind k = kind::records, users u = users::one);
  descriptor(descriptor&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    descriptor old(std::move(*this));
    of_ = std::exchange(other.of_, nullptr);
    return *this;
  }
  ~descriptor();

  bool is_none() const noexcept { return of_ == nullptr; }
  // False: it is none, or closed.
  bool is_open() const noexcept;

  // Never waits. False: it was closed before, or is none.
  bool close() noexcept;

  // For select, all three. REQUIRES: not none. Asks the kernel whether a call would not block; closed counts as ready.
  // If it would, the descriptor joins the caller's set, which throws as operation::wait().
  bool look(direction which) const;
  // REQUIRES: look() has said no, in this select. Counts as an operation until withdraw(), beside whatever others.
  enrolled enroll(direction which, wait_node& node) const noexcept;
  void withdraw(direction which, wait_node& node) const noexcept;

  class operation;
  class loan;

 private:
  watched* of_ = nullptr;
};

// A use in no direction, which does not wait: getsockopt, shutdown.
class descriptor::loan {
 public:
  // REQUIRES: not none.
  explicit loan(const descriptor& d) noexcept;
  loan(const loan&) = delete;
  ~loan();

  // False: closed.
  explicit operator bool() const noexcept { return begun_; }
  int fd() const noexcept;

 private:
  watched& of_;
  const bool begun_;
};

class descriptor::operation {
 public:
  // REQUIRES: not none. Now and then lets other actors go first. Throws misuse if another operation is under way in
  // this direction, with users::one; `verb` and `where` are the caller's.
  operation(const descriptor& d, direction which, const char* verb, site where);
  operation(const operation&) = delete;
  ~operation();

  // False: closed.
  explicit operator bool() const noexcept { return begun_; }
  // Until the operation ends it is nobody else's.
  int fd() const noexcept;

  // False: it is known that the call would block.
  bool may_try() noexcept;
  // What the call has said that was made after the last may_try().
  void would_block() noexcept;
  void transferred(std::size_t done, std::size_t asked) noexcept;

  // Parks until it is worth another try, at most until `limit`; what has come by then counts, though nobody has told of
  // it yet. A cancel ends the wait with `cancelled`, and the caller
  // serves it (meet_cancel), a close with `closed`. Throws std::system_error if the kernel cannot watch such a file
  // (EPERM) or has no room left.
  wait_result wait(const wait_reason& why, deadline limit = {});

 private:
  watched& of_;
  const direction which_;
  const bool begun_;
  readiness::ticket ticket_;
  bool looked_late_ = false;
};

// `read fd 12`
class descriptor_wait final : public wait_reason {
 public:
  descriptor_wait(const char* verb, int fd, site where) noexcept : verb_(verb), fd_(fd), where_(where) {}
  const char* verb() const noexcept override { return verb_; }
  std::string object() const override { return "fd " + std::to_string(fd_); }
  site where() const noexcept override { return where_; }

 private:
  const char* verb_;
  const int fd_;
  const site where_;
};

}  // namespace weir::internal
