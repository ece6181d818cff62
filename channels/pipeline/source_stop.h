// How the sources of a run hear that they are to give no more items: a drain.
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
  explicit source_stop(site where) noexcept : event_(false, where) {}

  // What asks this one asks `below`, too.
  void add(source_stop& below) { below_.push_back(&below); }

  void ask() noexcept {
    asked_.store(true, std::memory_order_relaxed);
    event_.set();
    for (source_stop* const s : below_) s->ask();
  }
  // Written by ask(), read by sources before each item. Relaxed: one that sees it late gives an item more, and nothing
  // is published through it.
  bool asked() const noexcept { return asked_.load(std::memory_order_relaxed); }
  // For sources that wait.
  weir::event& when_asked() noexcept { return event_; }

 private:
  std::atomic<bool> asked_{false};
  weir::event event_;  // not the internal one
  std::vector<source_stop*> below_;
};

}  // namespace weir::internal
