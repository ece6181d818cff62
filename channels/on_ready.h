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
  ready_case(future<T>& source, Body body, site at) : future_(source), body_(std::move(body)) {
    this->where = at;
    this->enabled = future_.core() != nullptr;
  }
  // A future without a result stays absent.
  ready_case&& when(bool condition) && noexcept {
    this->enabled = condition && future_.core() != nullptr;
    return std::move(*this);
  }
  decltype(auto) run() {
    struct absent_once_taken {
      ready_case& of;
      ~absent_once_taken() { of.enabled &= of.future_.core() != nullptr; }
    } const afterwards{*this};
    if constexpr (std::is_invocable_v<Body&, future<T>&>)
      return std::invoke(body_, future_);
    else
      return std::invoke(body_);
  }

  bool try_now() override { return future_.core() != nullptr && future_.core()->done().is_set(); }
  enrolled enroll(wait_node& node) override {
    awaited_ = future_.core();
    if (awaited_ == nullptr || awaited_->done().enlist(node)) return enrolled::waiting;
    return node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
  }
  void withdraw(wait_node& node) noexcept override {
    if (awaited_ != nullptr) awaited_->done().withdraw(node);
  }
  void completed(const wait_node&) noexcept override {}
  void complete_as_closed() noexcept override {}
  std::string describe() const override { return "the result of a job"; }

 private:
  future<T>& future_;               // which holds a reference to its core, until the result is taken
  future_core* awaited_ = nullptr;  // by the last enroll()
  Body body_;
};

}  // namespace internal

// Is ready once the job is over, however it ended, until its result is taken; a future without a result to take is as
// good as absent. In a selector, whose body may also put the next job into the future: one that is taken elsewhere is
// never ready again. A cancel that arrives in the select leaves the job alone. While the actor unwinds, the body may
// run before the job is over: then get() waits.
template <class T, class Body>
auto on_ready(future<T>& source, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, future<T>&> || std::is_invocable_v<Body&>,
                "weir::on_ready: the body takes nothing, or the future");
  return internal::ready_case<T, Body>(source, std::move(body), where);
}

}  // namespace weir
