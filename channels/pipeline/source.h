// Where a pipeline's items come from.
//   from(range)                    its elements; a range given as an rvalue is kept, and its elements are moved out
//   from(receiver)                 what is received, until the channel is closed and drained
//   generate<T>(f)                 what f(emit) gives to emit(T), which says false when nobody wants more
//   lines(path)                    the lines of a file, a FIFO or a terminal: lines_source.h
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "weir/channels/channel.h"
#include "weir/channels/pipeline/source_stop.h"
#include "weir/channels/pipeline/stage_input.h"
#include "weir/channels/select.h"
#include "weir/channels/sync_cases.h"

namespace weir::internal {

// A source has
//   value_type
//   run(push, meter)   push(value_type&&) until it says false; or, if it waits for its items,
//   run(push, meter, stop)   the same, and until `stop` is asked for
//   size()             how many there will be, if it knows

// Runs `source` until it has no more, nobody wants more, or `stop` is asked for; what it took it has given to push.
template <class Source, class Push>
void run_source(Source& source, const Push& push, stage_meter& m, source_stop& stop) {
  if constexpr (requires { source.run(push, m, stop); })
    source.run(push, m, stop);
  else if (!stop.asked())
    source.run([&](typename Source::value_type&& item) { return push(std::move(item)) && !stop.asked(); }, m);
}

template <class Range>  // an lvalue reference, or the range itself
class range_source {
 public:
  using value_type = std::ranges::range_value_t<Range>;

  explicit range_source(Range&& range) : range_(std::forward<Range>(range)) {}

  std::optional<std::size_t> size() const {
    if constexpr (std::ranges::sized_range<const std::remove_reference_t<Range>>)
      return std::ranges::size(range_);
    else
      return {};
  }
  template <class Push>
  void run(const Push& push, stage_meter&) {
    for (auto&& element : range_)
      if (!push(take(element))) return;
  }

 private:
  template <class E>
  static value_type take(E& element) {
    // Moved only out of what is ours.
    if constexpr (!std::is_reference_v<Range> && !std::ranges::view<Range> &&
                  std::is_same_v<std::remove_cv_t<E>, value_type> && !std::is_const_v<E>)
      return std::move(element);
    else
      return element;
  }

  Range range_;
};

template <class T>
class receiver_source {
 public:
  using value_type = T;
  explicit receiver_source(receiver<T> from) : from_(std::move(from)) {}
  std::optional<std::size_t> size() const { return {}; }
  template <class Push>
  void run(const Push& push, stage_meter& m, source_stop& stop) {
    bool wanted = true;
    while (wanted && !stop.asked()) {
      std::optional<T> item = next(m, stop);
      if (!item) break;
      wanted = push(*std::move(item));
    }
    if (wanted && stop.asked()) give_rest(push);
    from_.reset();  // senders learn that nobody receives any more
  }

 private:
  // Empty: there are no more, or `stop` is asked for.
  std::optional<T> next(stage_meter& m, source_stop& stop) {
    std::optional<T> item;
    if (recv_result<T> ready = from_.try_recv()) {
      item.emplace(*std::move(ready));
      return item;
    }
    const meter_wait::span starved(m.starved);
    const auto keep = [&item](std::optional<T> got) {
      if (got) item.emplace(*std::move(got));
    };
    select(on_recv(from_, keep), on_set(stop.when_asked(), [] {}));
    return item;
  }
  // Whoever has sent was told that it would be received. Other receivers see to that, if there are any that stay.
  template <class Push>
  void give_rest(const Push& push) {
    if (from_.leave_to_others()) return;
    from_.close();
    for (T& item : from_)
      if (!push(std::move(item))) return;
  }

  receiver<T> from_;
};

template <class T, class F>
class generator_source {
 public:
  using value_type = T;
  explicit generator_source(F f) : f_(std::move(f)) {}
  std::optional<std::size_t> size() const { return {}; }
  template <class Push>
  void run(const Push& push, stage_meter&) {
    bool failed = false;  // and f has caught it: its end is what throws
    const std::function<bool(T)> emit = [&](T value) {
      if (failed) return false;
      try {
        return push(std::move(value));
      } catch (...) {
        failed = true;
        throw;
      }
    };
    std::invoke(f_, emit);
  }

 private:
  F f_;
};

}  // namespace weir::internal
