// What brings the items of a source to the first stage of its part: an actor, or, for a source that is made of others,
// theirs.
//
// Thread-safety: as run_part.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/pipeline/run_state.h"
#include "weir/channels/pipeline/source.h"

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
      run_source(
          source_, [&head, &m](item_type&& item) { return head.push(std::move(item), m); }, m, part_.stop);
      head.finish();
    });
  }

 private:
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
