// In the place of the real one when the explorer compiles adoption.cc: who the workers are.
#pragma once

#include <vector>

namespace weir::internal {

class scheduler;
class worker;

// Each worker has one of its own.
class runtime_core {
 public:
  // `workers` outlives it; null: nobody asks for them.
  runtime_core(class scheduler& s, const std::vector<worker*>* workers) : scheduler_(s), workers_(workers) {}

  class scheduler& scheduler() const noexcept {
    return scheduler_;
  }
  int worker_count() const noexcept { return static_cast<int>(workers_->size()); }
  worker& worker_at(int index) const noexcept { return *(*workers_)[static_cast<std::size_t>(index)]; }

 private:
  class scheduler& scheduler_;
  const std::vector<worker*>* const workers_;
};

}  // namespace weir::internal
