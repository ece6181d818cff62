// How a pipeline ends.
//   into(f, {...})      f(item)
//   into(tx)            sends each item; the sender goes when there are no more, or with what ended the pipeline before
//                       that, which the channel then has as its cause
//   collect()           a vector of the items
//   reduce(init, f)     init, then f(what was, item) each time
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/channels/channel.h"
#include "weir/channels/on_closed.h"
#include "weir/channels/pipeline/node.h"
#include "weir/channels/pipeline/transforms.h"
#include "weir/channels/select.h"
#include "weir/channels/sync_cases.h"
#include "weir/runtime/sync/event.h"

namespace weir {
namespace internal {

template <class F>
struct into_stage {
  static constexpr const char* kind = "into";
  static constexpr bool is_sink = true, alone = false, calls = true;
  template <class T>
  static constexpr void check() {
    static_assert(std::is_invocable_v<F&, T>, "weir::into: the function does not take what the stage before it gives");
  }

  template <class T>
  struct state {
    F f;
    template <class Call>
    [[gnu::always_inline]] bool process(T& item, Call& call) {
      const auto give = [this]<class U>(U && u) -> void requires std::is_invocable_v<F&, U> {
        std::invoke(f, std::forward<U>(u));
      };
      (void)call(give, item);
      return true;
    }
    void finish() noexcept {}
    void take() noexcept {}
  };
  template <class T>
  state<T> begin() {
    return {std::move(f)};
  }

  F f;
};

template <class To>
struct into_channel_stage {
  static constexpr const char* kind = "into";
  static constexpr bool is_sink = true, alone = false, calls = false;
  template <class T>
  static constexpr void check() {
    static_assert(std::is_constructible_v<To, T>,
                  "weir::into: the channel's type cannot be made from what the stage before it gives");
  }

  template <class T>
  struct state {
    explicit state(sender<To>&& to) : tx(std::move(to)), watched(tx.weak()) {}
    // False once nobody receives: then nobody needs the stages before it.
    template <class Call>
    [[gnu::always_inline]] bool process(T& item, Call&) {
      return tx.send(To(std::move(item)), site{});
    }
    void finish() noexcept {
      tx.reset();
      over.set();
    }
    // After everything has ended, and not well. A consumer must not take what it got for all there was.
    void fail(const std::exception_ptr& cause) noexcept { tx.reset(cause); }
    // Parks until nobody receives, or there are no more items. For when no item comes to tell.
    void await_unwanted() {
      select(on_closed(watched, [] {}), on_set(over, [] {}));
    }
    void take() noexcept {}

    sender<To> tx;
    const weak_sender<To> watched;
    weir::event over;  // not the internal one
  };
  template <class T>
  state<T> begin() {
    return state<T>(std::move(tx));
  }

  sender<To> tx;
};

struct collect_stage {
  static constexpr const char* kind = "collect";
  static constexpr bool is_sink = true, alone = true, calls = false;
  template <class T>
  static constexpr void check() {}

  template <class T>
  struct state {
    std::vector<T> items;
    template <class Call>
    [[gnu::always_inline]] bool process(T& item, Call&) {
      items.push_back(std::move(item));
      return true;
    }
    void finish() noexcept {}
    std::vector<T> take() noexcept { return std::move(items); }
  };
  template <class T>
  state<T> begin() {
    return {};
  }
};

template <class Value, class F>
struct reduce_stage {
  static constexpr const char* kind = "reduce";
  static constexpr bool is_sink = true, alone = true, calls = true;
  template <class T>
  static constexpr void check() {
    static_assert(
        std::is_invocable_r_v<Value, F&, Value, T>,
        "weir::reduce: the function does not take (value, what the stage before it gives), or does not return "
        "the value");
    static_assert(std::is_move_assignable_v<Value> || std::is_nothrow_move_constructible_v<Value>,
                  "weir::reduce: the value must be assignable, or movable without an exception");
  }

  template <class T>
  struct state {
    Value value;
    F f;
    template <class Call>
    [[gnu::always_inline]] bool process(T& item, Call& call) {
      const auto fold = [this]<class U>(U && u) -> void requires std::is_invocable_v<F&, Value, U> {
        if constexpr (Call::goes_on) {  // so a call that fails must not take with it what was before it
          static_assert(std::is_copy_constructible_v<Value>,
                        "weir::reduce: with on_error the value must be copyable, as a call that fails must leave it");
          replace(std::invoke(f, Value(std::as_const(value)), std::forward<U>(u)));
        } else {
          replace(std::invoke(f, std::move(value), std::forward<U>(u)));
        }
      };
      (void)call(fold, item);
      return true;
    }
    void finish() noexcept {}
    Value take() noexcept { return std::move(value); }

   private:
    // A value need not be assignable, no more than an item.
    void replace(Value&& next) {
      if constexpr (std::is_move_assignable_v<Value>) {
        value = std::move(next);
      } else {
        std::destroy_at(std::addressof(value));
        std::construct_at(std::addressof(value), std::move(next));
      }
    }
  };
  template <class T>
  state<T> begin() {
    return {std::move(init), std::move(f)};
  }

  Value init;
  F f;
};

}  // namespace internal

template <class F>
auto into(F f, stage_options options = {}) {
  return internal::entry(internal::into_stage<F>{std::move(f)}, std::move(options));
}
template <class To>
auto into(sender<To> tx, stage_options options = {}) {
  return internal::entry(internal::into_channel_stage<To>{std::move(tx)}, std::move(options));
}
inline auto collect() { return internal::entry(internal::collect_stage{}, {}); }
template <class Value, class F>
auto reduce(Value init, F f) {
  return internal::entry(internal::reduce_stage<Value, F>{std::move(init), std::move(f)}, {});
}

}  // namespace weir
