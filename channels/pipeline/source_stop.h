// How the sources of a run hear that they are to give no more items: in a drain, or as nobody wants more.
//
// Thread-safety: all of it but add(), which is for before anything runs.
#pragma once

#include <atomic>
#include <vector>

#include "weir/runtime/base/site.h"
#include "weir/runtime/sync/event.h"

namespace weir::internal {

class source_stop {
 public:
  explicit source_stop(site where) noexcept : asked_event_(false, where), unwanted_(false, where) {}

  // What this one hears, `below` hears, too.
  void add(source_stop& below) { below_.push_back(&below); }

  // What they have given goes through.
  void ask() noexcept {
    asked_.store(true, std::memory_order_relaxed);
    asked_event_.set();
    for (source_stop* const s : below_) s->ask();
  }
  // Nor is that wanted.
  void refuse() noexcept {
    unwanted_.set();
    asked_.store(true, std::memory_order_relaxed);
    asked_event_.set();
    for (source_stop* const s : below_) s->refuse();
  }
  // Written by ask() and refuse(), read by sources before each item. Relaxed: one that sees it late gives an item more,
  // and nothing is published through it.
  bool asked() const noexcept { return asked_.load(std::memory_order_relaxed); }
  // For sources that wait: set by either.
  weir::event& when_asked() noexcept { return asked_event_; }
  // For those that hold on to others until their items are used up: set by refuse().
  weir::event& when_unwanted() noexcept { return unwanted_; }

 private:
  std::atomic<bool> asked_{false};
  weir::event asked_event_, unwanted_;  // not the internal ones
  std::vector<source_stop*> below_;
};

}  // namespace weir::internal
