// What brings the items of a source to the first stage of its part: an actor, or, for a source that is made of others,
// theirs.
//
// Thread-safety: as run_part.h.
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/pipeline/run_state.h"
#include "weir/channels/pipeline/source.h"
#include "weir/channels/pipeline/stage_call.h"
#include "weir/runtime/base/errors.h"

namespace weir::internal {

// A feed has
//   many                whether several actors push into the first stage
//   size()              as that of a source
//   start(head, name)   spawns its actors, in the scope of its part

template <class Source, class Head>
class source_feed final : public node_base {
  using item_type = typename Source::value_type;

 public:
  static constexpr bool many = false;

  source_feed(run_part& part, Source&& source) : node_base(part, "source", {}), source_(std::move(source)) {}

  std::optional<std::size_t> size() const { return source_.size(); }
  void start(Head& head, const std::string& name) {
    part_.actors->spawn(name, [this, &head] {
      stage_meter& m = meter(0);
      const stage_meter::duty on_duty(m);
      run(head, m);
      head.finish();
    });
  }

 private:
  // What the source throws comes out with its name; what a stage behind it does has that one's, and comes out also if
  // the source, which may be somebody's function around its call of emit, takes it for its own and catches it.
  void run(Head& head, stage_meter& m) {
    std::exception_ptr behind;
    const auto push = [&](item_type && item) __attribute__((always_inline)) {
      try {
        return head.push(std::move(item), m);
      } catch (...) {
        behind = std::current_exception();
        throw;
      }
    };
    try {
      run_source(source_, push, m, part_.stop);
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      // Also a pipeline_error: that is of a pipeline which the source ran.
      if (!behind) throw_pipeline_error(*this, std::current_exception());
    }
    if (behind) under_some_name(*this, [&] { std::rethrow_exception(behind); });
  }

  Source source_;
};

template <class Source, class Head>
struct feed_of {
  using type = source_feed<Source, Head>;
};
template <class Source, class Head>
requires requires { typename Source::template feed<Head>; }
struct feed_of<Source, Head> {
  using type = typename Source::template feed<Head>;
};

}  // namespace weir::internal
