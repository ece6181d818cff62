// memory_pair: two streams that are each other's peer, in memory; and what goes wrong on the way, at will.
//   memory_pair()     two ends, and the two directions between them
//   memory_link       one direction: how much at once, stalls, resets
//
// Thread-safety: streams as stream.h says; a memory_link all of it, from anywhere.
//
// Protocols that are written against net::stream are tested on a pair: a byte at a time, stalled in the middle, reset
// after any number of bytes. It behaves as a pair of connected sockets does: what was written is read before the end; a
// write to a peer that has closed is `reset` with EPIPE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "weir/net/stream.h"
#include "weir/runtime/base/site.h"

namespace weir::net {
namespace internal {
class memory_pipe;
}

struct memory_options {
  // Bytes that one direction holds before a write has to wait, from 1.
  std::size_t capacity = 64 * 1024;
};

// One direction. Copies refer to the same. Changes hold for calls in progress too.
class memory_link {
 public:
  memory_link() = default;  // refers to none
  explicit memory_link(std::shared_ptr<internal::memory_pipe> pipe) noexcept : pipe_(std::move(pipe)) {}

  // No call moves more at once, from 1. Of a write_all the calls that it is made of.
  void most_per_read(std::size_t n, site where = site::current()) const;
  void most_per_write(std::size_t n, site where = site::current()) const;
  // What was written, and the end, arrives no more until resume(). Writes go on until the capacity is reached.
  void stall() const;
  void resume() const;
  // Both ends find this direction reset (ECONNRESET) once so many bytes, counted from the start, have been read; at
  // once if they have been.
  void reset_after(std::uint64_t bytes) const;
  // At once, whatever was under way.
  void reset() const { reset_after(0); }

  // Written and not read yet.
  std::size_t under_way() const;

 private:
  std::shared_ptr<internal::memory_pipe> pipe_;
};

// `auto [client, server, up, down] = net::memory_pair();`
struct memory_ends {
  stream a, b;
  memory_link a_to_b, b_to_a;
};

// Does not park. Allocates the ends; the first write allocates the capacity of its direction. Throws misuse (capacity
// 0), std::bad_alloc.
[[nodiscard]] memory_ends memory_pair(memory_options options = {}, site where = site::current());

}  // namespace weir::net
