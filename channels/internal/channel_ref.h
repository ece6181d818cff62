// What a handle keeps: the address of its channel, marked with the side that the handle belongs to.
//
// The mark is what a deadlock report looks for on the stacks of blocked actors (wait_graph.h): an odd distance that
// nothing else keeps, so a hit is a handle of that side, or the remains of one. It costs nothing: the compiler takes it
// off in the addresses it computes anyway.
//
// Thread-safety: as a pointer.
#pragma once

#include <cstddef>

#include "weir/runtime/internal/wait_reason.h"

namespace weir::internal {

template <class Core, int mark>
class channel_ref {
 public:
  channel_ref() = default;
  channel_ref(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
  explicit channel_ref(Core* core) noexcept : marked_(core ? reinterpret_cast<char*>(core) + mark : nullptr) {}

  Core* operator->() const noexcept { return reinterpret_cast<Core*>(marked_ - mark); }
  Core& operator*() const noexcept { return *operator->(); }
  explicit operator bool() const noexcept { return marked_ != nullptr; }
  bool operator==(std::nullptr_t) const noexcept { return marked_ == nullptr; }

 private:
  char* marked_ = nullptr;
};

template <class Core>
using sender_ref = channel_ref<Core, sender_mark>;
template <class Core>
using receiver_ref = channel_ref<Core, receiver_mark>;

}  // namespace weir::internal
