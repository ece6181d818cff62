// A call of a stage's function: measured, within its time limit, and under its policy.
//
// Thread-safety: one actor.
#pragma once

#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "weir/channels/pipeline/policy.h"
#include "weir/channels/pipeline/run_state.h"
#include "weir/runtime/base/clock.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

namespace weir::internal {

// Throws pipeline_error with `failure` nested in it.
[[noreturn]] void throw_pipeline_error(const node_base& stage, const std::exception_ptr& failure);
// f(), of which nothing but a cancel comes out without the stage's name.
template <class F>
[[gnu::always_inline]] inline decltype(auto) under_name(const node_base& stage, const F& f) {
  try {
    return f();
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    throw_pipeline_error(stage, std::current_exception());
  }
}
// The same where stages behind `stage` are called, too: what they throw has a name already.
template <class F>
[[gnu::always_inline]] inline decltype(auto) under_some_name(const node_base& stage, const F& f) {
  try {
    return f();
  } catch (const cancelled&) {
    throw;
  } catch (const pipeline_error&) {
    throw;
  } catch (...) {
    throw_pipeline_error(stage, std::current_exception());
  }
}
// Throws timed_out: a call took longer than its stage allows.
[[noreturn]] void throw_too_long(const node_base& stage);
// At the one item of its group that is measured. Gives way to other actors, as stages in one loop may have no other
// park, and some call no function; throws cancelled.
void begin_measured(const node_base& stage, stage_meter& meter);

template <class Policy>
class stage_call {
 public:
  static constexpr bool goes_on = Policy::goes_on;

  // For one item, which it counts.
  [[gnu::always_inline]] stage_call(const node_base& stage, stage_meter& meter, const Policy& policy)
      : stage_(stage), meter_(meter), policy_(policy), measure_(meter.in.add()) {
    if (measure_) [[unlikely]]
      begin_measured(stage, meter);
  }

  // f(item), void being std::monostate; empty: the item is left out. Throws pipeline_error, cancelled.
  template <class F, class In>
  [[gnu::always_inline]] auto operator()(F& f, In& item) {
    using argument = std::conditional_t<Policy::keeps_item, const In&, In>;
    if constexpr (!std::is_invocable_v<F&, argument> && !std::is_copy_constructible_v<In>) {
      static_assert(sizeof(In) == 0,
                    "weir::on_error: retry and dead_letter need the item after the call: let the function take a const "
                    "T&, or make T copyable");
      return std::optional<std::remove_cvref_t<std::invoke_result_t<F&, In>>>();
    } else if constexpr (!std::is_invocable_v<F&, argument>) {
      const auto with_copy = [&f](const In& i) { return std::invoke(f, In(i)); };
      return (*this)(with_copy, item);
    } else {
      using result = std::invoke_result_t<F&, argument>;
      std::optional<std::conditional_t<std::is_void_v<result>, std::monostate, std::remove_cvref_t<result>>> kept;
      try {
        if (!measure_) [[likely]]
          invoke<argument>(f, item, kept);
        else
          measured<argument>(stage_, meter_, f, item, kept, meter_.in.stands_for());
      } catch (const cancelled&) {
        throw;
      } catch (...) {
        // In the handler, so that a call that does not fail has nothing to clean up.
        if (remedied<argument>(stage_, meter_, policy_, f, item, kept, std::current_exception())) ended_ = true;
      }
      return kept;
    }
  }

  // What of a call cannot be made again: step(). False: it failed, and what is left of the item is left out. Throws
  // pipeline_error, cancelled.
  template <class In, class Step>
  [[gnu::always_inline]] bool part(In& item, const Step& step) {
    try {
      step();
      return true;
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      if (leave_rest_out(stage_, meter_, policy_, item, std::current_exception())) ended_ = true;
      return false;
    }
  }

  // For functions that a cancel does not cut short: when one begins, if it has a limit; and, after it, throws timed_out
  // if it came too late.
  time_point begin() const noexcept { return stage_.options().timeout.count() != 0 ? now() : time_point(); }
  void require_in_time(time_point begun) const {
    const auto limit = stage_.options().timeout;
    if (limit.count() != 0 && now() - begun > limit) throw_too_long(stage_);
  }

  // Of the actor that makes the call.
  stage_meter& meter() const noexcept { return meter_; }
  // The policy has ended the stream.
  bool ended() const noexcept { return ended_; }

 private:
  // Static, what seldom runs: an object whose address nobody takes is not made.

  // `calls`: how many it stands for. One that fails took its time, too; of one that a cancel ended nobody knows it.
  template <class Argument, class F, class In, class Kept>
  [[gnu::noinline]] static void measured(const node_base& stage, stage_meter& meter, F& f, In& item, Kept& kept,
                                         int calls) {
    const auto limit = stage.options().timeout;
    const time_point begin = now();
    try {
      if (limit.count() == 0)
        invoke<Argument>(f, item, kept);
      else if (!within(limit, [&] { invoke<Argument>(f, item, kept); }))
        throw_too_long(stage);
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      meter.latency.add(now() - begin, calls);
      throw;
    }
    meter.latency.add(now() - begin, calls);
  }
  // After a call that failed. True: the policy has ended the stream.
  template <class Argument, class F, class In, class Kept>
  [[gnu::noinline]] static bool remedied(const node_base& stage, stage_meter& meter, const Policy& policy, F& f,
                                         In& item, Kept& kept, std::exception_ptr failure) {
    kept.reset();
    for (int calls = 1;; ++calls) {
      meter.errors.add(1);
      switch (policy.treat(&item, stage.name(), failure, calls)) {
        case remedy::call_again:
          break;
        case remedy::end:
          return true;
        case remedy::leave_out:
          return false;
        case remedy::pass_on:
          throw_pipeline_error(stage, failure);
      }
      meter.retries.add(1);
      this_actor::maybe_yield();  // the policy may have had nothing to wait for
      try {
        measured<Argument>(stage, meter, f, item, kept, 1);  // all that are made again are measured
        return false;
      } catch (const cancelled&) {
        throw;
      } catch (...) {
        kept.reset();
        failure = std::current_exception();
      }
    }
  }
  // True: the policy has ended the stream.
  template <class In>
  [[gnu::noinline]] static bool leave_rest_out(const node_base& stage, stage_meter& meter, const Policy& policy,
                                               In& item, const std::exception_ptr& failure) {
    meter.errors.add(1);
    // After as many calls as no retry() allows.
    const remedy r = policy.treat(&item, stage.name(), failure, std::numeric_limits<int>::max());
    if (r == remedy::pass_on) throw_pipeline_error(stage, failure);
    return r == remedy::end;
  }
  template <class Argument, class F, class In, class Kept>
  static void invoke(F& f, In& item, Kept& kept) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, Argument>>) {
      std::invoke(f, static_cast<Argument&&>(item));
      kept.emplace();
    } else {
      kept.emplace(std::invoke(f, static_cast<Argument&&>(item)));
    }
  }

  const node_base& stage_;
  stage_meter& meter_;
  const Policy& policy_;
  const bool measure_;
  bool ended_ = false;
};

}  // namespace weir::internal
