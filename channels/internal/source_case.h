// A case of select made of an event source: what most sources need to take part. README.md shows how.
//
// Thread-safety: as select_case.h.
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/enrolled.h"

namespace weir::internal {

// A small value that refers to what can happen, and knows what each function of select_case.h means there. A peer that
// completes a wait claims the owner of the node under the source's lock, does its part, unlinks the node, unlocks, and
// wakes: wait_list.h has all of it. confirm() is there if what wakes may be too little.
template <class S>
concept event_source = requires(S s, const S& c, wait_node& node) {
  { c.may_be_ready() }
  noexcept->std::same_as<bool>;
  { s.try_now() } -> std::same_as<bool>;
  { s.enroll(node) } -> std::same_as<enrolled>;
  { s.withdraw(node) }
  noexcept;
  { c.describe() } -> std::same_as<std::string>;
  { S::unwinding } -> std::convertible_to<select_case::unwinding>;
};

// The body takes nothing; or, if the source may complete as if it were closed, a bool, which is false then.
template <event_source Source, class Body>
class source_case final : public user_case<source_case<Source, Body>> {
  static constexpr bool tells =
      Source::unwinding == select_case::unwinding::as_closed && std::is_invocable_v<Body&, bool>;

 public:
  source_case(Source source, Body body, site at) : source_(std::move(source)), body_(std::move(body)) {
    this->where = at;
  }
  decltype(auto) run() {
    if constexpr (tells)
      return std::invoke(body_, !std::exchange(gone_, false));
    else
      return std::invoke(body_);
  }

  bool may_be_ready() const noexcept override { return source_.may_be_ready(); }
  bool try_now() override { return source_.try_now(); }
  enrolled enroll(wait_node& node) override { return source_.enroll(node); }
  void withdraw(wait_node& node) noexcept override { source_.withdraw(node); }
  void completed(const wait_node&) noexcept override {}
  bool confirm() override {
    if constexpr (requires { source_.confirm(); })
      return source_.confirm();
    else
      return true;
  }
  void complete_as_closed() noexcept override { gone_ = true; }
  select_case::unwinding while_unwinding() const noexcept override { return Source::unwinding; }
  std::string describe() const override { return source_.describe(); }

 private:
  Source source_;
  Body body_;
  bool gone_ = false;
};

}  // namespace weir::internal
