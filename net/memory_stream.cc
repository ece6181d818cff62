#include "weir/net/memory_stream.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "weir/net/internal/memory_pipe.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net {
namespace internal {

using weir::internal::wait_end;
using weir::internal::wait_list;

std::size_t memory_pipe::take(const iovec* into, int count, std::size_t most) noexcept {
  std::size_t moved = 0;
  for (; count > 0 && moved < most; ++into, --count) {
    for (std::size_t done = 0; done < into->iov_len && moved < most;) {
      const std::size_t n = std::min({into->iov_len - done, most - moved, capacity_ - from_});
      std::memcpy(static_cast<std::byte*>(into->iov_base) + done, ring_.get() + from_, n);
      from_ = (from_ + n) % capacity_;
      done += n, moved += n;
    }
  }
  size_ -= moved;
  return moved;
}

std::size_t memory_pipe::put(const iovec* from, int count, std::size_t most) {
  if (!ring_) ring_ = std::make_unique_for_overwrite<std::byte[]>(capacity_);
  std::size_t moved = 0;
  for (; count > 0 && moved < most; ++from, --count) {
    for (std::size_t done = 0; done < from->iov_len && moved < most;) {
      const std::size_t to = (from_ + size_ + moved) % capacity_;
      const std::size_t n = std::min({from->iov_len - done, most - moved, capacity_ - to});
      std::memcpy(ring_.get() + to, static_cast<const std::byte*>(from->iov_base) + done, n);
      done += n, moved += n;
    }
  }
  size_ += moved;
  return moved;
}

bool memory_pipe::wait(wait_list& list, const char* verb, deadline limit, io_result& why_not) {
  weir::internal::wait_node node;
  const weir::internal::wait_for why(verb, [this] { return name_; });
  const auto nobody = []() -> weir::internal::wait_node* { return nullptr; };
  switch (park_in(lock_, list, node, why, weir::internal::interruptible::yes, limit, nobody)) {
    case wait_end::woken:
      lock_.lock();
      return true;
    case wait_end::timeout:
      why_not = {io_status::timeout, 0, 0};
      return false;
    case wait_end::cancelled:
      break;
  }
  weir::internal::meet_cancel(verb);
  why_not = {io_status::closed, 0, 0};
  return false;
}

io_result memory_pipe::read(const iovec* into, int count, deadline limit) {
  io_result r;
  lock_.lock();
  while (!ready_locked(direction::read))
    if (!wait(readers_, "read", limit, r)) return r;
  if (reader_gone_) {
    r.status = io_status::closed;
  } else if (is_reset()) {
    r = {io_status::reset, ECONNRESET, 0};
  } else if (size_ == 0) {
    r.status = io_status::end;
  } else {
    const std::uint64_t before_reset = reset_at_ - delivered_;
    r.bytes = take(into, count, std::min<std::uint64_t>({size_, most_per_read_, before_reset}));
    delivered_ += r.bytes;
  }
  weir::internal::wait_node* const writers = ready_locked(direction::write) ? writers_.claim_all() : nullptr;
  lock_.unlock();
  wake_all(writers);
  return r;
}

io_result memory_pipe::write(const iovec* from, int count, deadline limit) {
  io_result r;
  lock_.lock();
  while (!ready_locked(direction::write))
    if (!wait(writers_, "write", limit, r)) return r;
  if (writer_gone_) {
    r.status = io_status::closed;
  } else if (is_reset()) {
    r = {io_status::reset, ECONNRESET, 0};
  } else if (reader_gone_) {
    r = {io_status::reset, EPIPE, 0};
  } else {
    try {
      r.bytes = put(from, count, std::min(capacity_ - size_, most_per_write_));
    } catch (...) {
      lock_.unlock();
      throw;
    }
  }
  weir::internal::wait_node* const readers = ready_locked(direction::read) ? readers_.claim_all() : nullptr;
  lock_.unlock();
  wake_all(readers);
  return r;
}

enrolled memory_pipe::enroll(direction d, wait_node& node) {
  std::lock_guard guard(lock_);
  if (ready_locked(d)) return enroll_ready(node);
  (d == direction::read ? readers_ : writers_).push_back(node);
  return enrolled::waiting;
}

void memory_pipe::withdraw(direction d, wait_node& node) noexcept {
  std::lock_guard guard(lock_);
  (d == direction::read ? readers_ : writers_).unlink(node);
}

namespace {

class memory_core final : public stream_core {
 public:
  memory_core(std::shared_ptr<memory_pipe> in, std::shared_ptr<memory_pipe> out) noexcept
      : in_(std::move(in)), out_(std::move(out)) {}
  ~memory_core() override { memory_core::close_now(); }

  io_result read(const iovec* into, int count, deadline limit) override { return in_->read(into, count, limit); }
  io_result write(const iovec* from, int count, deadline limit) override { return out_->write(from, count, limit); }
  io_result finish(deadline) override {
    out_->end_writing();
    return {};
  }
  std::string name() const override { return out_->name(); }
  bool ready(direction d) override { return pipe(d).ready(d); }
  enrolled enroll(direction d, wait_node& node) override { return pipe(d).enroll(d, node); }
  void withdraw(direction d, wait_node& node) noexcept override { pipe(d).withdraw(d, node); }

 private:
  void close_now() noexcept override {
    in_->end_reading();
    out_->end_writing();
  }
  memory_pipe& pipe(direction d) const noexcept { return d == direction::read ? *in_ : *out_; }

  const std::shared_ptr<memory_pipe> in_, out_;
};

void check_from_one(const char* call, const char* what, std::size_t n, site where) {
  if (n == 0)
    weir::internal::throw_misuse(call, fmt::format("{} is at least 1", what), "0",
                                 "To hold back what was written, stall() the direction.", where);
}

}  // namespace
}  // namespace internal

void memory_link::most_per_read(std::size_t n, site where) const {
  internal::check_from_one("most_per_read", "the most bytes of a read", n, where);
  pipe_->most_per_read(n);
}
void memory_link::most_per_write(std::size_t n, site where) const {
  internal::check_from_one("most_per_write", "the most bytes of a write", n, where);
  pipe_->most_per_write(n);
}
void memory_link::stall() const { pipe_->stall(true); }
void memory_link::resume() const { pipe_->stall(false); }
void memory_link::reset_after(std::uint64_t bytes) const { pipe_->reset_after(bytes); }
std::size_t memory_link::under_way() const { return pipe_->under_way(); }

memory_ends memory_pair(memory_options options, site where) {
  internal::check_from_one("memory_pair", "the capacity", options.capacity, where);
  const auto pipe = [&](const char* way) {
    return std::make_shared<internal::memory_pipe>(options.capacity,
                                                   fmt::format("memory {}:{} {}", where.base(), where.line, way));
  };
  auto up = pipe("a to b"), down = pipe("b to a");
  stream a(new internal::memory_core(down, up)), b(new internal::memory_core(up, down));
  return {std::move(a), std::move(b), memory_link(std::move(up)), memory_link(std::move(down))};
}

}  // namespace weir::net
