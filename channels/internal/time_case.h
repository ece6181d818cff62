// The cases of a select that are points in time: after, on_timer, on_tick.
//
// Thread-safety: as select_case.h.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/channels/timer.h"

namespace weir::internal {

template <bool>
struct going_once {};
template <>
struct going_once<true> {
  static constexpr bool goes_once = true;  // else it would be ready for ever
};

// `Source` is deadline (after), timer& or ticker&.
template <class Source, class Body>
class time_case final : public user_case<time_case<Source, Body>>, public going_once<std::is_same_v<Source, deadline>> {
 public:
  time_case(Source source, Body body, site at) : source_(source), body_(std::move(body)) { this->where = at; }
  decltype(auto) run() { return std::invoke(body_); }

  bool may_be_ready() const noexcept override { return !due().is_never(); }  // the clock costs as much as a try
  bool try_now() override {
    if (!due().expired()) return false;
    if constexpr (std::is_same_v<Source, timer&>) source_.reset(deadline::never());
    if constexpr (std::is_same_v<Source, ticker&>) source_.advance();
    return true;
  }
  enrolled enroll(wait_node&) override { return enrolled::waiting; }  // bounds the park instead
  void withdraw(wait_node&) noexcept override {}
  void completed(const wait_node&) noexcept override {}
  void complete_as_closed() noexcept override {}
  deadline due() const noexcept override {
    if constexpr (std::is_same_v<Source, deadline>)
      return source_;
    else
      return source_.at();
  }
  select_case::unwinding while_unwinding() const noexcept override { return select_case::unwinding::as_come; }
  std::string describe() const override { return std::is_same_v<Source, ticker&> ? "tick" : "timer"; }

 private:
  Source source_;
  Body body_;
};

}  // namespace weir::internal
