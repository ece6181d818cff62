// One case of a select while it runs: what every event source offers to it.
//
// Thread-safety: the selecting actor or thread only; the sources behind lock for themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::internal {

class select_case {
 public:
  enum class enrolled : std::uint8_t {
    waiting,    // the node is linked into the source
    done,       // completed at once; the owner is claimed by itself
    lost,       // somebody else claimed the owner: its wake is on the way
    again,      // another select is in the same step: withdraw all and come again
    cancelled,  // a cancel came that the owner has to serve
  };

  // Completes the case if its source is ready.
  virtual bool try_now() = 0;
  // Registers, or completes at once if the source has become ready.
  virtual enrolled enroll(wait_node& node) = 0;
  // Undoes enroll(), unless the node is unlinked already.
  virtual void withdraw(wait_node& node) noexcept = 0;
  // The case was completed by a peer through `node`.
  virtual void completed(const wait_node& node) noexcept = 0;
  // The case is chosen while its actor unwinds from a cancel: as if the peer were gone.
  virtual void complete_as_closed() noexcept = 0;
  // For a point in time: when. Others: never.
  virtual deadline due() const noexcept { return {}; }
  // `recv jobs`, for dumps.
  virtual std::string describe() const = 0;

  bool enabled = true;
  bool by_close = false;  // completed because the source is closed
  site where;             // of on_recv, on_send, ...

 protected:
  ~select_case() = default;
};

// What a select of `count` cases needs beside them. Not initialized: most selects find a case ready and register none.
template <int count>
struct select_space {
  alignas(wait_node) std::byte nodes[(count > 0 ? count : 1) * sizeof(wait_node)];
  int order[count > 0 ? count : 1];
};

// Waits until one of `cases` is completed and returns its index; -1: none was ready and `has_otherwise`. `nodes` and
// `order` have room for each case. Throws misuse if no case is enabled and there is no otherwise.
int select_one(select_case** cases, std::byte* nodes, int* order, int count, bool has_otherwise);

}  // namespace weir::internal
