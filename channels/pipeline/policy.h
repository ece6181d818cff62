// What a stage does about an item whose function failed: `stages | weir::on_error(retry(3, 10ms), skip)`. It speaks of
// the stage before it.
//   stop_pipeline      the default: the pipeline is cancelled, and execute throws pipeline_error
//   skip               the item is left out and counted
//   end_stream         the stage ends as if its input had ended before that item: those before it go through, those
//                      behind it do not. Where there is no order (.order = unordered, a parallel sink), what the other
//                      actors of the stage have begun goes through
//   retry(n, pause)    calls again, at most n times, waiting `pause`, then twice that, ...; then what follows it
//   dead_letter(tx)    sends failed_item<T>, or what can be made from it, and leaves the item out
//
// A policy that comes after others is asked when those have given up. Retries and dead letters need the item after its
// call: the function gets a const T& if it takes one, else a copy. A dead letter has a copy, too: if T has no copy
// constructor, by its copy().
#pragma once

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weir/channels/channel.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/this_actor.h"

namespace weir {

// A stage failed and ended its pipeline. Nested (std::rethrow_if_nested): what its function threw.
class pipeline_error : public std::runtime_error {
 public:
  pipeline_error(std::string stage, const std::string& what)
      : std::runtime_error("stage \"" + stage + "\": " + what), stage_(std::move(stage)) {}
  const std::string& stage() const noexcept { return stage_; }

 private:
  std::string stage_;
};

// An item whose stage failed, for dead_letter.
template <class T>
struct failed_item {
  T value;
  std::string stage;
  std::string what;
  std::exception_ptr failure;
};

namespace internal {

// The text of an exception.
std::string text_of(const std::exception_ptr& failure);

enum class remedy : std::uint8_t { pass_on, call_again, leave_out, end };

}  // namespace internal

struct stop_pipeline_policy {
  static constexpr bool keeps_item = false;
};
inline constexpr stop_pipeline_policy stop_pipeline{};

struct skip_policy {
  static constexpr bool keeps_item = false;
  template <class T>
  internal::remedy treat(const T*, const std::string&, const std::exception_ptr&, int) const noexcept {
    return internal::remedy::leave_out;
  }
};
inline constexpr skip_policy skip{};

struct end_stream_policy {
  static constexpr bool keeps_item = false;
  template <class T>
  internal::remedy treat(const T*, const std::string&, const std::exception_ptr&, int) const noexcept {
    return internal::remedy::end;
  }
};
inline constexpr end_stream_policy end_stream{};

struct retry_policy {
  static constexpr bool keeps_item = true;
  int times;
  std::chrono::nanoseconds pause;
  // Parks for the pause; a cancel ends it.
  template <class T>
  internal::remedy treat(const T*, const std::string&, const std::exception_ptr&, int calls) const {
    if (calls > times) return internal::remedy::pass_on;
    if (pause.count() > 0) this_actor::sleep(pause * (std::int64_t{1} << std::min(calls - 1, 30)));
    return internal::remedy::call_again;
  }
};
// REQUIRES: times >= 0, pause >= 0; else throws misuse.
inline retry_policy retry(int times, std::chrono::nanoseconds pause = {}, site where = site::current()) {
  if (times < 0 || pause.count() < 0)
    internal::throw_misuse("retry", "the number of calls and the pause must not be negative",
                           std::to_string(times) + " calls, " + std::to_string(pause.count()) + " ns",
                           "Say how often to call again, and how long to wait before: weir::retry(3, 10ms).", where);
  return {times, pause};
}

namespace internal {

template <class T>
T copy_of(const T& item) {
  if constexpr (std::is_copy_constructible_v<T>)
    return item;
  else
    return item.copy();
}

}  // namespace internal

template <class Letter>
struct dead_letter_policy {
  static constexpr bool keeps_item = true;
  sender<Letter> to;
  // Parks while the channel is full. If nobody receives any more, the next policy is asked.
  template <class T>
  internal::remedy treat(const T* item, const std::string& stage, const std::exception_ptr& failure, int) const {
    const bool sent = [&] {
      if constexpr (std::is_constructible_v<Letter, failed_item<T>>)
        return to.send(Letter(failed_item<T>{internal::copy_of(*item), stage, internal::text_of(failure), failure}),
                       site{});
      else if constexpr (std::is_constructible_v<Letter, const T&>)
        return to.send(Letter(*item), site{});
      else {
        static_assert(
            std::is_constructible_v<Letter, T>,
            "weir::dead_letter: the channel takes neither failed_item<T> nor T, T being what the stage before "
            "gets");
        return to.send(Letter(internal::copy_of(*item)), site{});
      }
    }();
    return sent ? internal::remedy::leave_out : internal::remedy::pass_on;
  }
};
template <class Letter>
dead_letter_policy<Letter> dead_letter(sender<Letter> to) {
  return {std::move(to)};
}

namespace internal {

template <class... Policies>
struct error_policy {
  static constexpr bool keeps_item = (false || ... || Policies::keeps_item);
  // The stage may go on after a call that failed.
  static constexpr bool goes_on = (false || ... || !std::is_same_v<Policies, stop_pipeline_policy>);
  std::tuple<Policies...> policies;

  // `calls` so far, per policy the same. pass_on: nobody had a remedy.
  template <class T>
  remedy treat(const T* item, const std::string& stage, const std::exception_ptr& failure, int calls) const {
    remedy r = remedy::pass_on;
    const auto ask = [&](const auto& p) {
      if constexpr (requires { p.treat(item, stage, failure, calls); }) r = p.treat(item, stage, failure, calls);
      return r != remedy::pass_on;
    };
    std::apply([&](const auto&... p) { (void)(ask(p) || ...); }, policies);
    return r;
  }
};

// The result of on_error, until it meets its stage.
template <class... Policies>
struct on_error_mark {
  error_policy<Policies...> policy;
};

}  // namespace internal

template <class... Policies>
internal::on_error_mark<Policies...> on_error(Policies... policies) {
  static_assert(sizeof...(Policies) > 0, "weir::on_error: name at least one remedy: skip, retry, dead_letter, ...");
  return {{std::tuple<Policies...>(std::move(policies)...)}};
}

}  // namespace weir
