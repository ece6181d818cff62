// A case of a select over a source that is no plain channel: what was taken is given to
// the body as the source likes; event_source in source_case.h is for those whose bodies take nothing.
//
// Thread-safety: the selecting actor or thread only; the source locks for itself.
//
// A `Source` is what one select wants of one source, with a place for what it gets:
//   bool try_now(bool& closed)                            takes what is ready
//   select_case::enrolled enroll(wait_node&, bool& closed)  registers, or takes what has become ready
//   void withdraw(wait_node&) noexcept
//   decltype(auto) deliver(Body&, bool closed)            runs the body with what was taken
//   std::string describe() const
#pragma once

#include <string>
#include <utility>

#include "weir/channels/internal/select_case.h"

namespace weir::internal {

template <class Source, class Body>
class delivery_case final : public user_case<delivery_case<Source, Body>> {
 public:
  delivery_case(Source source, Body body, site at) : source_(std::move(source)), body_(std::move(body)) {
    this->where = at;
  }
  decltype(auto) run() { return source_.deliver(body_, this->by_close); }

  bool try_now() override { return source_.try_now(this->by_close); }
  enrolled enroll(wait_node& node) override { return source_.enroll(node, this->by_close); }
  void withdraw(wait_node& node) noexcept override { source_.withdraw(node); }
  void completed(const wait_node& node) noexcept override { this->by_close = node.closed; }
  void complete_as_closed() noexcept override { this->by_close = true; }
  std::string describe() const override { return source_.describe(); }

 private:
  Source source_;
  Body body_;
};

}  // namespace weir::internal
