// Stages that look at several items.
//   batch(n, time)      vectors of n items, or of what came within `time` of the first; the last one may be shorter.
//                       When its time has come and an item, too, the batch goes first, and the item begins the next one
//   window(n, step)     vectors of the last n items, anew at every `step` items
//   take(n)             the first n items; then the stages before it end
//   throttle(n, time)   at most n items in any `time`; the stage waits
//
// They run in one actor, in order.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/channels/pipeline/node.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/this_actor.h"

namespace weir {
namespace internal {

void require_at_least_one(const char* call, const char* what, long long n, const char* remedy, site where);
void require_duration(const char* call, std::chrono::nanoseconds d, const char* remedy, site where);

struct batch_stage {
  static constexpr const char* kind = "batch";
  static constexpr bool is_sink = false, needs_queue = false, alone = true, calls = false;
  template <class T>
  static constexpr void check() {}
  template <class T>
  using output = std::vector<T>;

  template <class T>
  struct instance {
    std::size_t size;
    std::vector<T> group;
    std::size_t last = 0;  // how many the one before had: as many may come again, while `size` may be a mere limit
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call&, const Emit& emit) {
      if (group.empty()) group.reserve(last);
      group.push_back(std::move(item));
      return group.size() < size || emit(take());
    }
    template <class Emit>
    void end(const Emit& emit) {
      if (!group.empty()) emit(take());
    }
    std::vector<T> take() {
      last = group.size();
      return std::exchange(group, {});
    }
  };
  template <class T>
  instance<T> make() const {
    return {size, {}};
  }

  std::size_t size;
};

// Its items come through a queue: while it waits for one, the time may come.
struct timed_batch_stage {
  static constexpr const char* kind = "batch";
  static constexpr bool is_sink = false, needs_queue = true, alone = true, calls = false;
  template <class T>
  static constexpr void check() {}
  template <class T>
  using output = std::vector<T>;

  template <class T>
  struct instance : batch_stage::instance<T> {
    std::chrono::nanoseconds time;
    deadline until;

    deadline due() const noexcept { return until; }
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call& call, const Emit& emit) {
      // While there is always an item at hand, nobody waits for the time: it has to be looked at here.
      if (!this->group.empty() && until.expired() && !emit(this->take())) return false;
      if (this->group.empty()) until = time;
      const bool more = batch_stage::instance<T>::process(item, call, emit);
      if (this->group.empty()) until = {};
      return more;
    }
    template <class Emit>
    bool on_time(const Emit& emit) {
      until = {};
      return this->group.empty() || emit(this->take());
    }
  };
  template <class T>
  instance<T> make() const {
    return {{size, {}}, time, {}};
  }

  std::size_t size;
  std::chrono::nanoseconds time;
};

struct window_stage {
  static constexpr const char* kind = "window";
  static constexpr bool is_sink = false, needs_queue = false, alone = true, calls = false;
  template <class T>
  static constexpr void check() {
    static_assert(std::is_copy_constructible_v<T>, "weir::window: windows share items, so T must be copyable");
  }
  template <class T>
  using output = std::vector<T>;

  template <class T>
  struct instance {
    std::size_t size, step;
    std::deque<T> last;
    std::size_t until_next = size;
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call&, const Emit& emit) {
      last.push_back(std::move(item));
      if (last.size() > size) last.pop_front();
      if (--until_next > 0) return true;
      until_next = step;
      return emit(std::vector<T>(last.begin(), last.end()));
    }
  };
  template <class T>
  instance<T> make() const {
    return {size, step, {}};
  }

  std::size_t size, step;
};

struct take_stage {
  static constexpr const char* kind = "take";
  static constexpr bool is_sink = false, needs_queue = false, alone = true, calls = false;
  template <class T>
  static constexpr void check() {}
  template <class T>
  using output = T;

  template <class T>
  struct instance {
    std::size_t left;
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call&, const Emit& emit) {
      if (left == 0) return false;
      --left;
      return emit(std::move(item)) && left > 0;
    }
  };
  template <class T>
  instance<T> make() const {
    return {count};
  }

  std::size_t count;
};

struct throttle_stage {
  static constexpr const char* kind = "throttle";
  static constexpr bool is_sink = false, needs_queue = false, alone = true, calls = false;
  template <class T>
  static constexpr void check() {}
  template <class T>
  using output = T;

  template <class T>
  struct instance {
    std::size_t count;
    std::chrono::nanoseconds time;
    std::deque<time_point> passed;  // when the last `count` went
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call&, const Emit& emit) {
      if (passed.size() == count) {
        this_actor::sleep(passed.front() + time);
        passed.pop_front();
      }
      passed.push_back(now());
      return emit(std::move(item));
    }
  };
  template <class T>
  instance<T> make() const {
    return {count, time, {}};
  }

  std::size_t count;
  std::chrono::nanoseconds time;
};

}  // namespace internal

// REQUIRES, of all: counts from 1, times above 0; else throws misuse.
inline auto batch(long long n, site where = site::current()) {
  internal::require_at_least_one("batch", "the number of items", n, "Say how many make a batch: weir::batch(100).",
                                 where);
  return internal::entry(internal::batch_stage{static_cast<std::size_t>(n)}, {});
}
inline auto batch(long long n, std::chrono::nanoseconds time, stage_options options = {},
                  site where = site::current()) {
  internal::require_at_least_one("batch", "the number of items", n,
                                 "Say how many make a batch at most: weir::batch(100, 50ms).", where);
  internal::require_duration(
      "batch", time, "Say how long its first item may wait: weir::batch(100, 50ms); or leave the time out.", where);
  return internal::entry(internal::timed_batch_stage{static_cast<std::size_t>(n), time}, std::move(options));
}
inline auto window(long long n, long long step = 1, site where = site::current()) {
  internal::require_at_least_one("window", "the number of items", n, "Say how many make a window: weir::window(10).",
                                 where);
  internal::require_at_least_one("window", "the step", step,
                                 "Say after how many items the next window begins: weir::window(10, 5).", where);
  return internal::entry(internal::window_stage{static_cast<std::size_t>(n), static_cast<std::size_t>(step)}, {});
}
inline auto take(long long n, site where = site::current()) {
  internal::require_at_least_one("take", "the number of items", n, "Say how many are wanted: weir::take(10).", where);
  return internal::entry(internal::take_stage{static_cast<std::size_t>(n)}, {});
}
inline auto throttle(long long n, std::chrono::nanoseconds time, site where = site::current()) {
  const char* const remedy = "Say how many items may go in which time: weir::throttle(100, 1s).";
  internal::require_at_least_one("throttle", "the number of items", n, remedy, where);
  internal::require_duration("throttle", time, remedy, where);
  return internal::entry(internal::throttle_stage{static_cast<std::size_t>(n), time}, {});
}

}  // namespace weir
