// Streams as cases of select.
//   on_readable(stream, body)   body(): a read would not wait, be it for bytes, the end, or a reset
//   on_writable(stream, body)   body(): a write would not wait
//
// Thread-safety: as select.h. A case counts as a reader (writer) of its stream while the select runs: nobody else reads
// (writes) meanwhile.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/source_case.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/site.h"

namespace weir::net {
namespace internal {

struct ready_source {
  static constexpr auto unwinding = weir::internal::select_case::unwinding::as_closed;
  stream_core& of;
  direction way;
  bool may_be_ready() const noexcept { return true; }
  bool try_now() { return left_over() || of.ready(way); }
  enrolled enroll(wait_node& node) { return left_over() ? enroll_ready(node) : of.enroll(way, node); }
  void withdraw(wait_node& node) noexcept { of.withdraw(way, node); }
  bool confirm() { return left_over() || of.confirm(way); }
  bool left_over() const noexcept { return way == direction::read && !of.unread().empty(); }
  std::string describe() const { return (way == direction::read ? "read " : "write ") + of.name(); }
};

}  // namespace internal

// Ready as long as a read would not wait; what read_until has left over counts. The body reads: nothing was taken. It
// is ready for ever once the peer has ended, or the stream is closed. While the actor unwinds the body runs though
// nothing may be there.
template <class Body>
auto on_readable(const stream& s, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&>, "weir::net::on_readable: the body takes nothing");
  return weir::internal::source_case<internal::ready_source, Body>(
      {s.core("on_readable", where), internal::direction::read}, std::move(body), where);
}
// Ready as long as a write would not wait.
template <class Body>
auto on_writable(const stream& s, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&>, "weir::net::on_writable: the body takes nothing");
  return weir::internal::source_case<internal::ready_source, Body>(
      {s.core("on_writable", where), internal::direction::write}, std::move(body), where);
}

}  // namespace weir::net
