#include "weir/net/stream.h"

#include <fmt/core.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "weir/net/error.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net {
namespace internal {
namespace {

using weir::internal::closed_or_cancelled;
using weir::internal::throw_misuse;

// Pieces that go to the kernel in one call; more are written in turns.
constexpr std::size_t most_pieces = 64;
// What read_until reads at once.
constexpr std::size_t chunk = 4096;

// The only reader, or the only writer, as long as it lives.
class turn {
 public:
  turn(stream_core& of, stream_core::side& side, const char* call, const char* who, site where) : side_(side) {
    side.budget.spend();
    // Acquire pairs with the release below: what the last one left behind is seen.
    if (side.busy.exchange(true, std::memory_order_acquire))
      throw_misuse(call, fmt::format("one {} at a time", who), fmt::format("a second one on {}", of.name()),
                   fmt::format("Give the stream to one {0}, and let the others send to it over a channel.", who),
                   where);
  }
  turn(const turn&) = delete;
  ~turn() { side_.busy.store(false, std::memory_order_release); }

 private:
  stream_core::side& side_;
};

// Of a cancelled scope, or of its doing.
io_result settled(io_result r, const char* verb) {
  if (r.status == io_status::end || r.status == io_status::reset || r.status == io_status::closed)
    closed_or_cancelled(verb);
  return r;
}

// What was left over by read_until.
std::size_t take_left(stream_core& core, mutable_buffer into) {
  const std::string_view left = core.unread();
  const std::size_t n = std::min(left.size(), into.size());
  if (n == 0) return 0;
  std::memcpy(into.data(), left.data(), n);
  core.consume(n);
  return n;
}

io_result read_once(stream_core& core, mutable_buffer into, deadline limit) {
  const iovec to{into.data(), into.size()};
  const io_result r = core.read(&to, 1, limit);
  core.reading.add(r.bytes);
  return r;
}

// Writes until all of `pieces` (of which it takes off what went) is gone.
io_result write_pieces(stream_core& core, iovec* pieces, int count, deadline limit) {
  io_result sum;
  for (;;) {
    while (count > 0 && pieces->iov_len == 0) ++pieces, --count;
    if (count == 0) return sum;
    const io_result r = core.write(pieces, count, limit);
    core.writing.add(r.bytes);
    sum.bytes += r.bytes;
    if (!r) return {r.status, r.code, sum.bytes};
    for (std::size_t left = r.bytes; left > 0;) {
      const std::size_t n = std::min(left, pieces->iov_len);
      pieces->iov_base = static_cast<std::byte*>(pieces->iov_base) + n;
      pieces->iov_len -= n;
      left -= n;
      if (pieces->iov_len == 0 && left > 0) ++pieces, --count;
    }
  }
}

iovec piece(const_buffer b) noexcept { return {const_cast<std::byte*>(b.data()), b.size()}; }

}  // namespace
}  // namespace internal

using internal::settled;
using internal::stream_core;
using internal::turn;

stream stream::share(site where) const {
  stream_core& c = core("share", where);
  c.retain();
  return stream(&c);
}

io_result stream::read_some(mutable_buffer into, deadline limit, site where) const {
  stream_core& c = core("read_some", where);
  const turn mine(c, c.reading, "read_some", "reader", where);
  if (into.empty()) return {};
  if (const std::size_t left = internal::take_left(c, into)) return {io_status::ok, 0, left};
  return settled(internal::read_once(c, into, limit), "read");
}

io_result stream::read_exactly(mutable_buffer into, deadline limit, site where) const {
  stream_core& c = core("read_exactly", where);
  const turn mine(c, c.reading, "read_exactly", "reader", where);
  std::size_t have = internal::take_left(c, into);
  while (have < into.size()) {
    const io_result r = internal::read_once(c, into.from(have), limit);
    have += r.bytes;
    if (!r) return settled({r.status, r.code, have}, "read");
  }
  return {io_status::ok, 0, have};
}

io_result stream::read_until(std::string& text, std::string_view delimiter, std::size_t most, deadline limit,
                             site where) const {
  stream_core& c = core("read_until", where);
  if (delimiter.empty() || delimiter.size() > most)
    weir::internal::throw_misuse("read_until", "the delimiter has 1 to `most` bytes",
                                 fmt::format("{} of at most {}", delimiter.size(), most),
                                 "Give a delimiter, and room for it.", where);
  const turn mine(c, c.reading, "read_until", "reader", where);
  text.clear();
  std::size_t searched = 0;
  for (;;) {
    const std::string_view unread = c.unread().substr(0, most);
    // It may have begun in what was searched before.
    const std::size_t from = searched < delimiter.size() ? 0 : searched - (delimiter.size() - 1);
    if (const std::size_t found = unread.find(delimiter, from); found != unread.npos) {
      const std::size_t size = found + delimiter.size();
      text.assign(unread, 0, size);
      c.consume(size);
      return {io_status::ok, 0, size};
    }
    if (unread.size() == most) return {io_status::too_long, 0, 0};
    searched = unread.size();
    const io_result r = c.read_more(internal::chunk, limit);
    if (r) continue;
    if (r.status == io_status::end) {
      weir::internal::closed_or_cancelled("read");
      text.assign(c.unread());
      c.consume(text.size());
      return {io_status::end, 0, text.size()};
    }
    return settled({r.status, r.code, 0}, "read");
  }
}

io_result stream::write_all(const_buffer from, deadline limit, site where) const {
  stream_core& c = core("write_all", where);
  const turn mine(c, c.writing, "write_all", "writer", where);
  iovec all = internal::piece(from);
  return settled(internal::write_pieces(c, &all, 1, limit), "write");
}

io_result stream::write_all(std::span<const const_buffer> pieces, deadline limit, site where) const {
  stream_core& c = core("write_all", where);
  const turn mine(c, c.writing, "write_all", "writer", where);
  io_result sum;
  while (!pieces.empty() && sum) {
    iovec some[internal::most_pieces];
    const std::size_t count = std::min(pieces.size(), internal::most_pieces);
    std::transform(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(count), some, internal::piece);
    pieces = pieces.subspan(count);
    const io_result r = internal::write_pieces(c, some, static_cast<int>(count), limit);
    sum = {r.status, r.code, sum.bytes + r.bytes};
  }
  return settled(sum, "write");
}

io_result stream::write_some(const_buffer from, deadline limit, site where) const {
  stream_core& c = core("write_some", where);
  const turn mine(c, c.writing, "write_some", "writer", where);
  if (from.empty()) return {};
  const iovec all = internal::piece(from);
  const io_result r = c.write(&all, 1, limit);
  c.writing.add(r.bytes);
  return settled(r, "write");
}

io_result stream::shutdown(deadline limit, site where) const {
  stream_core& c = core("shutdown", where);
  const turn mine(c, c.writing, "shutdown", "writer", where);
  return settled(c.is_closed() ? io_result{io_status::closed, 0, 0} : c.finish(limit), "shutdown");
}

void stream::close(site where) const { core("close", where).close(); }

std::uint64_t stream::bytes_read(site where) const {
  return core("bytes_read", where).reading.bytes.load(std::memory_order_relaxed);
}
std::uint64_t stream::bytes_written(site where) const {
  return core("bytes_written", where).writing.bytes.load(std::memory_order_relaxed);
}

std::string stream::take_unread(site where) const {
  stream_core& c = core("take_unread", where);
  const turn mine(c, c.reading, "take_unread", "reader", where);
  std::string left(c.unread());
  c.consume(left.size());
  return left;
}

std::string stream::name(site where) const { return core("name", where).name(); }

std::size_t stream::expect(const char* operation, io_result r, site where) const {
  if (r) return r.bytes;
  const stream_core& c = core("expect", where);
  const std::string name = c.name();
  switch (r.status) {
    case io_status::ok:
      break;
    case io_status::end:
      throw error(errc::end, operation, name);
    case io_status::reset:
      c.throw_reset(operation, r.code);
      break;
    case io_status::timeout:
      throw error(errc::timeout, operation, name);
    case io_status::closed:
      throw error(errc::closed, operation, name);
    case io_status::too_long:
      throw error(errc::too_long, operation, name);
  }
  return r.bytes;
}

void stream::throw_empty(const char* call, site where) {
  weir::internal::throw_misuse(call, "the handle refers to a stream", "one that was moved from, reset or never set",
                               "Take it from a listener, a connect or memory_pair, and keep it.", where);
}

}  // namespace weir::net
