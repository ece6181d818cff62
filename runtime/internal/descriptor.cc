#include "weir/runtime/internal/descriptor.h"

#include <poll.h>
#include <unistd.h>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/outside_wait.h"
#include "weir/runtime/internal/watched.h"

namespace weir::internal {
namespace {

// The last operation of a closed one is over.
void close_for_good(watched& w) noexcept {
  leave_set(w);
  ::close(w.fd);  // an error would be of no use here: the number is free in any case
  if (w.state.closed_for_good()) release_watched(w);
}

// Urgent data, an error and the other side's end count: whoever calls then learns of it.
bool would_not_block(int fd, direction which) noexcept {
  pollfd asked{fd, static_cast<short>(which == direction::read ? POLLIN : POLLOUT), 0};
  return poll(&asked, 1, 0) != 0;
}

// Apart, as its texts would make the stack of every operation deeper.
[[noreturn, gnu::noinline]] void throw_taken(const watched& w, direction which, const char* verb, site where) {
  const bool reads = which == direction::read;
  throw_misuse(verb, reads ? "at most one actor may read at a time" : "at most one actor may write at a time",
               std::string("a second ") + (reads ? "reader" : "writer") + " of fd " + std::to_string(w.fd),
               "Let one actor do it, and the others talk to it through a channel; or hold a weir::mutex around it.",
               where);
}

// Whether the operation was begun.
bool begin(watched& w, direction which, const char* verb, site where) {
  spend_operation();
  switch (w.state.begin(which, w.shared)) {
    case readiness::begun::yes:
      return true;
    case readiness::begun::closed:
      return false;
    case readiness::begun::taken:
      break;
  }
  throw_taken(w, which, verb, where);
}

}  // namespace

descriptor::descriptor(int fd, kind k, users u) : of_(&acquire_watched(true)) {
  of_->fd = fd;
  of_->bytes = k == kind::bytes;
  of_->shared = u == users::many;
}

descriptor::~descriptor() {
  if (of_ == nullptr) return;
  close();
  if (of_->state.drop_handle()) release_watched(*of_);
}

bool descriptor::is_open() const noexcept { return of_ != nullptr && !of_->state.closed(); }

bool descriptor::close() noexcept {
  if (of_ == nullptr || !of_->state.close()) return false;
  if (of_->state.end()) close_for_good(*of_);
  return true;
}

bool descriptor::look(direction which) const {
  const loan use(*this);
  if (!use) return true;
  const auto seen = of_->state.look(which);
  if (would_not_block(use.fd(), which)) return true;
  of_->state.clear(which, seen);
  ensure_joined(*of_);
  return false;
}

enrolled descriptor::enroll(direction which, wait_node& node) const noexcept {
  node.slot = nullptr;
  if (of_->state.begin(which, true) == readiness::begun::closed) return enroll_ready(node);
  node.slot = of_;  // there is something to undo
  begin_outside_wait();
  return of_->state.enroll(which, node);
}

void descriptor::withdraw(direction which, wait_node& node) const noexcept {
  if (node.slot == nullptr) return;
  of_->state.withdraw(which, node);
  end_outside_wait();
  if (of_->state.end(which, true)) close_for_good(*of_);
}

descriptor::loan::loan(const descriptor& d) noexcept
    : of_(*d.of_), begun_(of_.state.begin() == readiness::begun::yes) {}
descriptor::loan::~loan() {
  if (begun_ && of_.state.end()) close_for_good(of_);
}
int descriptor::loan::fd() const noexcept { return of_.fd; }

descriptor::operation::operation(const descriptor& d, direction which, const char* verb, site where)
    : of_(*d.of_), which_(which), begun_(begin(of_, which, verb, where)) {}

descriptor::operation::~operation() {
  if (begun_ && of_.state.end(which_, of_.shared)) close_for_good(of_);
}

int descriptor::operation::fd() const noexcept { return of_.fd; }

bool descriptor::operation::may_try() noexcept {
  ticket_ = of_.state.look(which_);
  return ticket_.ready();
}

void descriptor::operation::would_block() noexcept { of_.state.clear(which_, ticket_); }

void descriptor::operation::transferred(std::size_t done, std::size_t asked) noexcept {
  if (of_.bytes && done != 0 && done < asked) of_.state.clear_unless_for_good(which_, ticket_);
}

wait_result descriptor::operation::wait(const wait_reason& why, deadline limit) {
  ensure_joined(of_);
  const outside_wait announced;
  const wait_result how = of_.state.await(which_, why, limit);
  // Once: what poll(2) calls ready and the call does not, such as an error queue that nobody reads, must not keep an
  // operation beyond its deadline.
  if (how != wait_result::timeout || std::exchange(looked_late_, true) || !would_not_block(of_.fd, which_)) return how;
  // It came in time, or nearly, but stands in the set of a worker whose actor computes.
  of_.state.fire(of_.state.generation(), which_ == direction::read ? can_read : can_write);
  return wait_result::ready;
}

}  // namespace weir::internal
