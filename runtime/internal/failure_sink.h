// Where failures go that nobody joins.
//
// Thread-safety: all of it. Outlives the runtime: it goes with the last stack block, as a handle to an ended actor may
// be dropped after its runtime.
#pragma once

#include <exception>
#include <functional>
#include <string_view>
#include <utility>

namespace weir::internal {

class actor_core;

class failure_sink {
 public:
  using handler = std::function<void(std::string_view actor, std::exception_ptr failure)>;

  explicit failure_sink(handler h) : handler_(std::move(h)) {}

  // Calls the handler; without one, a line on stderr and std::terminate.
  void report(const actor_core& a, const std::exception_ptr& failure) const noexcept;

 private:
  const handler handler_;
};

}  // namespace weir::internal
