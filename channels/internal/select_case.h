// One case of a select while it runs: what every event source offers to it. README.md says how to add a source.
//
// Thread-safety: the selecting actor or thread only; the sources behind lock for themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/enrolled.h"
#include "weir/runtime/internal/random.h"

namespace weir::internal {

class select_case {
 public:
  using enrolled = internal::enrolled;

  // A look without a lock, to spare tries: false if the source was not ready at some recent moment. Nothing is decided
  // by it, as enroll() looks again; but a case that says false while it is ready is chosen less often than others.
  virtual bool may_be_ready() const noexcept { return true; }
  // Completes the case if its source is ready.
  virtual bool try_now() = 0;
  // Registers, or completes at once if the source has become ready.
  virtual enrolled enroll(wait_node& node) = 0;
  // Undoes enroll(), unless the node is unlinked already.
  virtual void withdraw(wait_node& node) noexcept = 0;
  // The case was completed by a peer through `node`.
  virtual void completed(const wait_node& node) noexcept = 0;
  // The case was completed, by a peer or when it was registered, and nothing is registered any more: whether that
  // holds. False: it was less than the case waits for, and the select goes on.
  virtual bool confirm() { return true; }
  // The case is chosen while its actor unwinds from a cancel: as if the peer were gone.
  virtual void complete_as_closed() noexcept = 0;
  // For a point in time: when. Others: never.
  virtual deadline due() const noexcept { return {}; }
  // For a deadlock report; nothing, if no actor could complete the case.
  virtual void add_targets(std::vector<wait_target>&) const {}
  // `recv jobs`, for dumps.
  virtual std::string describe() const = 0;

  // What may become of the case while its actor unwinds from a cancel. Of several the first kind is taken first.
  enum class unwinding : std::uint8_t {
    as_closed,  // it completes as if its source were closed
    as_come,    // its body runs, though what it waits for has not come
    waits,      // its body relies on what it waits for
  };
  virtual unwinding while_unwinding() const noexcept {
    return due().is_never() ? unwinding::as_closed : unwinding::as_come;
  }

  bool enabled = true;
  bool by_close = false;     // completed because the source is closed
  bool spends = false;       // each try counts as an operation (interrupt.h); of others the select counts itself
  std::uint8_t urgency = 0;  // the priority class: lower ones go first
  site where;                // of on_recv, on_send, ...

 protected:
  ~select_case() = default;
};

// Empties the place for what a case takes, when its body is over: a selector comes back to the case, and then takes
// under its source's lock, where nothing may be destroyed.
template <class T>
struct emptied_at_end {
  std::optional<T>& place;
  ~emptied_at_end() { place.reset(); }
};

// Throws misuse unless `n` is 0..255.
std::uint8_t checked_priority(int n, site where);

// What the user may say of a case. `Derived` is final; `Base` is what it has of select_case already.
template <class Derived, class Base = select_case>
class user_case : public Base {
 public:
  using Base::Base;

  // A disabled case is as good as absent.
  Derived&& when(bool condition) && noexcept {
    this->enabled = condition;
    return static_cast<Derived&&>(*this);
  }
  // Its class, 0 (as without it) to 255: as long as a case of a lower class is ready, no other is chosen. Throws
  // misuse.
  Derived&& priority(int n) && {
    this->urgency = checked_priority(n, this->where);
    return static_cast<Derived&&>(*this);
  }

 protected:
  ~user_case() = default;
};

// may_be_ready(), but for the explorer, whose hints are made up: select must be right whatever they say.
template <class Case>
bool is_hopeful(const Case& c) noexcept {
  return explored ? (thread_random().next() & 1) != 0 : c.may_be_ready();
}

// What a select of `count` cases needs beside them. Not initialized: most selects find a case ready and register none.
template <int count>
struct select_space {
  alignas(wait_node) std::byte nodes[(count > 0 ? count : 1) * sizeof(wait_node)];
  int order[count + 1];
};

struct select_traits {
  bool has_otherwise;
  bool classes;  // some case has another urgency than 0
};

// The steps of a select; select.cc has the protocol. The answer is the index of the case that was completed.
//
// Tries order[0 .. hopeful), which are enabled and may be ready; those tried are out of it then. -1: none was ready.
int try_cases(select_case** cases, int* order, int& hopeful, bool classes);
// Waits until one of `cases` is completed; -1: none was ready and there is an otherwise. `nodes` and `order` have room
// for each case. Throws misuse if no case is enabled and there is no otherwise.
int await_case(select_case** cases, std::byte* nodes, int* order, int count, select_traits traits, site where);
// Once it is completed. In a cancelled scope a completion because the source is closed counts as the cancel's: throws.
void settle(const select_case& chosen);
// All of it.
int select_one(select_case** cases, std::byte* nodes, int* order, int count, int hopeful, select_traits traits);

}  // namespace weir::internal
