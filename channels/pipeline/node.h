// The stages of one run, each holding the next: what comes out of one goes into the next by a call that the compiler
// can see through, unless there is a queue between them.
//
// Thread-safety: as stage_input.h.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "weir/channels/pipeline/policy.h"
#include "weir/channels/pipeline/stage_call.h"
#include "weir/channels/pipeline/stage_input.h"

namespace weir::internal {

// A stage as the pipeline keeps it until it runs.
template <class Stage, class Policy = error_policy<>>
struct stage_entry {
  using stage_type = Stage;
  using policy_type = Policy;

  Stage stage;
  stage_options options;
  Policy policy;
};

template <class Stage>
stage_entry<Stage> entry(Stage stage, stage_options options) {
  return {std::move(stage), std::move(options), {}};
}

// What a stage makes of T.
template <class Stage, class T>
using stage_output = std::remove_cvref_t<typename Stage::template output<T>>;

// What an entry was told, and what its stage makes of it at the start of a run.
template <class Entry>
stage_options options_of(Entry& e) {
  if constexpr (requires { e.stage.complete(e.options); }) e.stage.complete(e.options);
  return std::move(e.options);
}

// A stage has
//   kind            what it is called in a report
//   is_sink         nothing comes out of it
//   alone           it runs in one actor
//   calls           it calls a function, which may fail and take long: on_error and .timeout are for it
//   needs_queue     also without .parallel and .buffer; a sink has none of its own accord
//   output<T>       what it makes of T, not for a sink
//   check<T>()      its readable errors
//   instance<T>     the state of one actor that runs it, made by make(); of a sink, state<T>, made by begin()
// A stage that has stages of its own beside the one behind it has
//   sides<In, Next>   a class of them, which is made after the stage's node and before those behind
//     sides(stage, part, next)
//     feed_next       it is they who give the stage behind its items
//     behind(part)    the part of the stage behind
//     start(part)     spawns their actors
struct no_sides {
  static constexpr bool feed_next = false;
  template <class Stage, class Next>
  no_sides(Stage&, run_part&, Next&) noexcept {}
  static run_part& behind(run_part& part) noexcept { return part; }
  void start(run_part&) noexcept {}
};
template <class Stage, class In, class Next>
struct sides_of {
  using type = no_sides;
};
template <class Stage, class In, class Next>
requires requires { typename Stage::template sides<In, Next>; }
struct sides_of<Stage, In, Next> {
  using type = typename Stage::template sides<In, Next>;
};

// A stage, and behind it the rest.
template <class In, class Entry, class... Rest>
class node final : public stage_input<In, stage_output<typename Entry::stage_type, In>,
                                      typename Entry::stage_type::template instance<In>, node<In, Entry, Rest...>> {
  using stage_type = typename Entry::stage_type;
  using instance_type = typename stage_type::template instance<In>;
  using out_type = stage_output<stage_type, In>;
  using base = stage_input<In, out_type, instance_type, node>;
  using item_type = typename base::item_type;
  friend base;

 public:
  node(run_part& part, bool fed_by_many, Entry&& entry, Rest&&... rest)
      : base(part, stage_type::kind, options_of(entry), fed_by_many || stage_type::needs_queue),
        stage_(std::move(entry.stage)),
        policy_(std::move(entry.policy)),
        sides_(stage_, part, next_),
        next_(sides_.behind(part), feeds_by_many(), std::move(rest)...) {
    if constexpr (stage_type::alone) this->require_alone();
    if constexpr (!stage_type::calls) this->require_no_timeout();
  }

  bool may_be_parallel() const noexcept override { return !stage_type::alone; }
  void start() {
    sides_.start(this->part_);
    next_.start();
    this->start_input();
  }
  auto& sink() noexcept { return next_.sink(); }
  void watch_sink() { next_.watch_sink(); }

 private:
  using next_type = node<out_type, Rest...>;
  using sides_type = typename sides_of<stage_type, In, next_type>::type;

  bool feeds_by_many() const noexcept {
    return sides_type::feed_next || (this->parallel() > 1 && this->options().order == unordered);
  }
  instance_type make() {
    return under_name(*this, [this] {
      if constexpr (std::is_same_v<sides_type, no_sides>)
        return stage_.template make<In>();
      else
        return stage_.make(sides_);
    });
  }

  [[gnu::always_inline]] bool apply(item_type&& item, instance_type& instance, stage_meter& m) {
    return under_some_name(
        *this, [&]() __attribute__((always_inline)) { return process(std::move(item), instance, m); });
  }
  [[gnu::always_inline]] bool process(item_type&& item, instance_type& instance, stage_meter& m) {
    stage_call call(*this, m, policy_);
    if (item.place != nullptr) {
      const auto emit = [place = item.place](out_type&& out) {
        place->results.push_back(std::move(out));
        return true;
      };
      const bool more = instance.process(item.value, call, emit) && !call.ended();
      item.place->last = !more;  // the others have items from behind it in their hands
      item.settle();
      return more;
    }
    return instance.process(item.value, call, emit_to_next(m)) && !call.ended();
  }
  bool on_time(instance_type& instance, stage_meter& m) {
    return under_some_name(*this, [&] { return instance.on_time(emit_to_next(m)); });
  }
  void end(instance_type& instance, stage_meter& m) {
    if constexpr (requires { instance.end(emit_to_next(m)); })
      under_some_name(*this, [&] { instance.end(emit_to_next(m)); });
  }
  void end() {
    if constexpr (!sides_type::feed_next) next_.finish();
  }

  // Results of an ordered stage.
  bool give_on(std::vector<out_type>& results) {
    stage_meter& m = this->meter(this->parallel());
    m.settled.add(1);
    return under_some_name(*this, [&] {
      for (out_type& out : results)
        if (!next_.push(std::move(out), m)) return false;
      return true;
    });
  }
  auto emit_to_next(stage_meter& m) {
    return [ this, &m ](out_type && out) __attribute__((always_inline)) { return next_.push(std::move(out), m); };
  }

  stage_type stage_;
  typename Entry::policy_type policy_;
  [[no_unique_address]] sides_type sides_;
  next_type next_;
};

// The last one. Its state is shared by all actors that run it.
template <class In, class Entry>
class node<In, Entry> final
    : public stage_input<In, void, typename Entry::stage_type::template state<In>*, node<In, Entry>> {
  using stage_type = typename Entry::stage_type;
  using state_type = typename stage_type::template state<In>;
  using base = stage_input<In, void, state_type*, node>;
  using item_type = typename base::item_type;
  friend base;

 public:
  node(run_part& part, bool fed_by_many, Entry&& entry)
      : base(part, stage_type::kind, std::move(entry.options), fed_by_many),
        state_(entry.stage.template begin<In>()),
        policy_(std::move(entry.policy)) {
    if constexpr (stage_type::alone) this->require_alone();
    if constexpr (!stage_type::calls) this->require_no_timeout();
  }

  bool may_be_parallel() const noexcept override { return !stage_type::alone; }
  void start() { this->start_input(); }
  // The result, once the pipeline has ended.
  state_type& sink() noexcept { return state_; }
  // If the sink can tell by itself that it wants no more: parks until it does, or until it has ended.
  void watch_sink() {
    if constexpr (requires { state_.await_unwanted(); }) {
      state_.await_unwanted();
      this->part_.unwanted();
    }
  }
  void fail(const std::exception_ptr& cause) noexcept override {
    if constexpr (requires { state_.fail(cause); }) state_.fail(cause);
  }

 private:
  state_type* make() noexcept { return &state_; }
  [[gnu::always_inline]] bool apply(item_type&& item, state_type* state, stage_meter& m) {
    return under_some_name(
        *this, [&]() __attribute__((always_inline)) {
          stage_call call(*this, m, policy_);
          return state->process(item.value, call) && !call.ended();
        });
  }
  void end(state_type*, stage_meter&) {}
  void end() { state_.finish(); }

  state_type state_;
  typename Entry::policy_type policy_;
};

}  // namespace weir::internal
