// weir::once: does something one time, whoever comes first; the others wait until it is done.
//
// Thread-safety: all of it. Must outlive every call.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/sync/internal/waiting.h"

namespace weir {

class once : internal::sync_base {
 public:
  constexpr once(site where = site::current()) noexcept : sync_base(where) {}  // NOLINT(google-explicit-constructor)

  // Runs f(), unless that has succeeded before, or else parks while another caller runs its own; true once one has
  // succeeded. If f throws, that caller gets the exception and the one that has waited longest tries. False: `limit`
  // came while another was at it. A cancel ends the wait: throws weir::cancelled; but while the caller unwinds, it
  // waits on, as what follows relies on it. f may park. Throws misuse if f calls this again.
  template <class F>
  bool call(F&& f, deadline limit = {}, site where = site::current()) {
    // Acquire pairs with finish(): what f did is seen.
    if (done_.load(std::memory_order_acquire)) return true;
    switch (begin(limit, where)) {
      case turn::done:
        return true;
      case turn::timeout:
        return false;
      case turn::mine:
        break;
    }
    attempt current(*this);
    std::forward<F>(f)();
    current.succeeded = true;
    return true;
  }

  // A call has succeeded.
  bool done() const noexcept { return done_.load(std::memory_order_acquire); }

 private:
  enum class turn : std::uint8_t { done, mine, timeout };

  struct attempt {
    explicit attempt(once& o) noexcept : owner(o) {}
    attempt(const attempt&) = delete;
    ~attempt() { owner.finish(succeeded); }
    once& owner;
    bool succeeded = false;
  };

  turn begin(deadline limit, site where);
  void finish(bool succeeded) noexcept;
  std::string describe();

  internal::atomic<bool> done_{false};  // written under lock_; read without it by those who come later
  internal::parker* runner_ = nullptr;  // guarded by lock_, as are:
  internal::wait_list waiters_;
};

}  // namespace weir
