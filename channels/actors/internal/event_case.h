// A select case whose source is a one-shot event (runtime/internal/event.h): the end of an actor, a request to stop.
//
// Thread-safety: as select_case.h.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/select_case.h"
#include "weir/runtime/internal/event.h"

namespace weir::internal {

class event_case : public select_case {
 public:
  event_case(event& source, site at) noexcept : source_(source) { where = at; }

  bool try_now() final { return source_.is_set(); }
  enrolled enroll(wait_node& node) final {
    if (source_.enlist(node)) return enrolled::waiting;
    return node.owner->word().claim_self(node.epoch) ? enrolled::done : enrolled::lost;
  }
  void withdraw(wait_node& node) noexcept final { source_.withdraw(node); }
  void completed(const wait_node&) noexcept final {}

 protected:
  ~event_case() = default;

 private:
  event& source_;
};

// The case of an event that stays set, with a body that takes nothing. While its actor unwinds it is as good as set.
template <class Body>
class body_event_case final : public user_case<body_event_case<Body>, event_case> {
 public:
  // `what`: for dumps; outlives the case.
  body_event_case(event& source, const char* what, Body body, site at)
      : user_case<body_event_case, event_case>(source, at), what_(what), body_(std::move(body)) {
    static_assert(std::is_invocable_v<Body&>, "weir::on_stop: the body takes nothing");
  }
  decltype(auto) run() { return std::invoke(body_); }

  void complete_as_closed() noexcept override {}
  std::string describe() const override { return what_; }

 private:
  const char* const what_;
  Body body_;
};

}  // namespace weir::internal
