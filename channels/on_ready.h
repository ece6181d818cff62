// A case of a select that waits for the result of a job (runtime/future.h).
//   on_ready(future, body)   body() or body(future<T>&): the job is over, and get() does not wait
//
// Thread-safety: a case belongs to its select.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/future.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir {
namespace internal {

template <class T, class Body>
class ready_case final : public user_case<ready_case<T, Body>> {
 public:
  ready_case(future<T>& source, Body body, site at) : future_(source), core_(source.core()), body_(std::move(body)) {
    this->where = at;
    this->enabled = core_ != nullptr;
  }
  // A future without a result stays absent.
  ready_case&& when(bool condition) && noexcept {
    this->enabled = condition && core_ != nullptr;
    return std::move(*this);
  }
  decltype(auto) run() {
    if constexpr (std::is_invocable_v<Body&, future<T>&>)
      return std::invoke(body_, future_);
    else
      return std::invoke(body_);
  }

  bool try_now() override { return core_->done().is_set(); }
  enrolled enroll(wait_node& node) override {
    if (core_->done().enlist(node)) return enrolled::waiting;
    return node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
  }
  void withdraw(wait_node& node) noexcept override { core_->done().withdraw(node); }
  void completed(const wait_node&) noexcept override {}
  void complete_as_closed() noexcept override {}
  std::string describe() const override { return "the result of a job"; }

 private:
  future<T>& future_;
  future_core* const core_;  // the future's, which holds a reference
  Body body_;
};

}  // namespace internal

// Is ready once the job is over, however it ended, until its result is taken; a future without a result to take is as
// good as absent. A cancel that arrives in the select leaves the job alone. While the actor unwinds, the body may run
// before the job is over: then get() waits.
template <class T, class Body>
auto on_ready(future<T>& source, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, future<T>&> || std::is_invocable_v<Body&>,
                "weir::on_ready: the body takes nothing, or the future");
  return internal::ready_case<T, Body>(source, std::move(body), where);
}

}  // namespace weir
