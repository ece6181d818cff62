// A part of a run: stages, and the sources they have their items from, that stop together.
//
// The whole of a simple pipeline is one part. What merge and zip bring together are parts of their own, as one may end
// while the others go on; so are the branches of tee and partition_by, whose items come from the part around them.
//
// Thread-safety: unwanted(): all of it. The rest is written before anything runs; `actors`, by who starts the part.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "weir/channels/pipeline/source_stop.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/scope.h"

namespace weir::internal {

struct run_state;

// How many branches of one stage still want items.
class branch_count {
 public:
  explicit branch_count(int branches) noexcept : wanting_(branches) {}
  // True: that was the last one.
  bool leave() noexcept { return wanting_.fetch_sub(1, std::memory_order_relaxed) == 1; }

 private:
  // Counted down by parts whose stages want no more. Relaxed: nothing is published through it.
  std::atomic<int> wanting_;
};

class run_part {
 public:
  // The whole.
  run_part(run_state& of, site where) noexcept : stop(where), run_(of) {}
  // With sources of its own, which also stop when those of `around` do.
  explicit run_part(run_part& around) : run_part(around.run_, {}) {
    label_ = around.label_;
    around.stop.add(stop);
  }
  // A branch that has its items from `around`, as others do.
  run_part(run_part& around, branch_count& siblings, const std::string& label) : run_part(around.run_, {}) {
    label_ = around.label_ + label;
    before = around.before;
    around_ = &around;
    siblings_ = &siblings;
  }
  run_part(const run_part&) = delete;

  run_state& run() const noexcept { return run_; }
  // Behind the names of its stages.
  const std::string& label() const noexcept { return label_; }

  // Nobody wants more of what its stages make. Sources that wait for an item hear of it at once; the others, and the
  // stages between, when they get rid of their next one.
  void unwanted() noexcept {
    if (siblings_ == nullptr)
      stop.refuse();
    else if (!said_.exchange(true, std::memory_order_relaxed) && siblings_->leave())
      around_->unwanted();
  }

  scope* actors = nullptr;          // where they live
  std::vector<std::size_t> before;  // which nodes of the run the next one to be made follows
  source_stop stop;                 // of its sources

 private:
  run_state& run_;
  std::string label_;
  run_part* around_ = nullptr;
  branch_count* siblings_ = nullptr;
  // Set by the first of its stages that says so. Relaxed: only who sets it goes on.
  std::atomic<bool> said_{false};
};

}  // namespace weir::internal
