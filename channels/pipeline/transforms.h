// Stages that make something of each item by itself.
//   map(f, {...})              f(item)
//   map_with(make, f, {...})   f(state, item): each actor of the stage has a state of its own, from make()
//   filter(f, {...})           the items of which f(item) says true
//   flat_map(f, {...})         each element of the range f(item)
//   tap(f, {...})              the items as they are, after f(item)
//
// With .parallel > 1 a function is called by several actors at once; state that it changes belongs into map_with.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "weir/channels/pipeline/node.h"

namespace weir {
namespace internal {

template <class F>
struct map_stage {
  static constexpr const char* kind = "map";
  static constexpr bool is_sink = false, needs_queue = false, alone = false, calls = true;
  template <class T>
  static constexpr void check() {
    constexpr bool takes = std::is_invocable_v<F&, T>;
    static_assert(takes, "weir::map: the function does not take what the stage before it gives");
    if constexpr (takes)
      static_assert(!std::is_void_v<std::invoke_result_t<F&, T>>,
                    "weir::map: the function returns nothing; use weir::tap, or weir::into as the last stage");
  }
  template <class T>
  using output = std::invoke_result_t<F&, T>;

  template <class T>
  struct instance {
    F* f;
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call& call, const Emit& emit) {
      auto out = call(*f, item);
      return !out || emit(*std::move(out));
    }
  };
  template <class T>
  instance<T> make() noexcept {
    return {std::addressof(f)};
  }

  F f;
};

template <class Make, class F>
struct map_with_stage {
  static constexpr const char* kind = "map_with";
  static constexpr bool is_sink = false, needs_queue = false, alone = false, calls = true;
  static_assert(std::is_invocable_v<Make&>, "weir::map_with: the first function makes the state and takes nothing");
  using state_type = std::invoke_result_t<Make&>;
  template <class T>
  static constexpr void check() {
    constexpr bool takes = std::is_invocable_v<F&, state_type&, T>;
    static_assert(takes, "weir::map_with: the function does not take (state&, what the stage before it gives)");
    if constexpr (takes)
      static_assert(!std::is_void_v<std::invoke_result_t<F&, state_type&, T>>,
                    "weir::map_with: the function returns nothing; use weir::into as the last stage");
  }
  template <class T>
  using output = std::invoke_result_t<F&, state_type&, T>;

  template <class T>
  struct instance {
    F* f;
    state_type state;
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call& call, const Emit& emit) {
      const auto with_state = [this]<class U>(U&& u) -> std::invoke_result_t<F&, state_type&, U> {
        return std::invoke(*f, state, std::forward<U>(u));
      };
      auto out = call(with_state, item);
      return !out || emit(*std::move(out));
    }
  };
  template <class T>
  instance<T> make() {
    return {std::addressof(f), std::invoke(make_state)};
  }

  Make make_state;
  F f;
};

template <class F>
struct filter_stage {
  static constexpr const char* kind = "filter";
  static constexpr bool is_sink = false, needs_queue = false, alone = false, calls = true;
  template <class T>
  static constexpr void check() {
    static_assert(
        std::is_invocable_r_v<bool, F&, const T&>,
        "weir::filter: the function does not take a const T& of what the stage before it gives, or returns no "
        "bool");
  }
  template <class T>
  using output = T;

  template <class T>
  struct instance {
    F* f;
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call& call, const Emit& emit) {
      const auto keep = call(*f, std::as_const(item));
      return !keep || !*keep || emit(std::move(item));
    }
  };
  template <class T>
  instance<T> make() noexcept {
    return {std::addressof(f)};
  }

  F f;
};

template <class F>
struct flat_map_stage {
  static constexpr const char* kind = "flat_map";
  static constexpr bool is_sink = false, needs_queue = false, alone = false, calls = true;
  template <class T>
  static constexpr void check() {
    constexpr bool takes = std::is_invocable_v<F&, T>;
    static_assert(takes, "weir::flat_map: the function does not take what the stage before it gives");
    if constexpr (takes)
      static_assert(std::ranges::input_range<std::invoke_result_t<F&, T>>,
                    "weir::flat_map: the function returns no range");
  }
  template <class T>
  using output = std::ranges::range_value_t<std::invoke_result_t<F&, T>>;

  template <class T>
  struct instance {
    F* f;
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call& call, const Emit& emit) {
      auto range = call(*f, item);
      if (!range) return true;
      // It may compute its elements as they are asked for: what fails there fails the stage, too.
      std::optional<std::ranges::iterator_t<decltype(*range)&>> at;
      if (!call.part(item, [&] { at.emplace(std::ranges::begin(*range)); })) return true;
      for (;;) {
        std::optional<stage_output<flat_map_stage, T>> element;
        const auto next = [&] {
          if (*at != std::ranges::end(*range)) element.emplace(take(**at));
        };
        if (!call.part(item, next) || !element) return true;
        if (!emit(*std::move(element))) return false;
        if (!call.part(item, [&] { ++*at; })) return true;
      }
    }

   private:
    using result = std::invoke_result_t<F&, T>;
    // Moved only out of what is ours.
    template <class E>
    static decltype(auto) take(E&& element) {
      if constexpr (!std::is_reference_v<result> && !std::ranges::view<result>)
        return std::move(element);
      else
        return std::forward<E>(element);
    }
  };
  template <class T>
  instance<T> make() noexcept {
    return {std::addressof(f)};
  }

  F f;
};

template <class F>
struct tap_stage {
  static constexpr const char* kind = "tap";
  static constexpr bool is_sink = false, needs_queue = false, alone = false, calls = true;
  template <class T>
  static constexpr void check() {
    static_assert(std::is_invocable_v<F&, const T&>,
                  "weir::tap: the function does not take a const T& of what the stage before it gives");
  }
  template <class T>
  using output = T;

  template <class T>
  struct instance {
    F* f;
    template <class Call, class Emit>
    [[gnu::always_inline]] bool process(T& item, Call& call, const Emit& emit) {
      const auto look = [this](const T& i) { std::invoke(*f, i); };
      return !call(look, std::as_const(item)) || emit(std::move(item));
    }
  };
  template <class T>
  instance<T> make() noexcept {
    return {std::addressof(f)};
  }

  F f;
};

}  // namespace internal

template <class F>
auto map(F f, stage_options options = {}) {
  return internal::entry(internal::map_stage<F>{std::move(f)}, std::move(options));
}
template <class Make, class F>
auto map_with(Make make, F f, stage_options options = {}) {
  return internal::entry(internal::map_with_stage<Make, F>{std::move(make), std::move(f)}, std::move(options));
}
template <class F>
auto filter(F f, stage_options options = {}) {
  return internal::entry(internal::filter_stage<F>{std::move(f)}, std::move(options));
}
template <class F>
auto flat_map(F f, stage_options options = {}) {
  return internal::entry(internal::flat_map_stage<F>{std::move(f)}, std::move(options));
}
template <class F>
auto tap(F f, stage_options options = {}) {
  return internal::entry(internal::tap_stage<F>{std::move(f)}, std::move(options));
}

}  // namespace weir
