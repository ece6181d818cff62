// Pipelines: stages composed with `|`, each item going through all of them.
//
//   auto report = weir::from(urls)
//       | weir::filter(not_seen)
//       | weir::map(fetch, {.parallel = 32, .order = weir::unordered, .name = "fetch"})
//       | weir::on_error(weir::retry(3, 10ms), weir::skip)
//       | weir::batch(100, 50ms)
//       | weir::into(store)
//       | weir::execute();
//
// Nothing runs before execute, or start, which does not wait for the end. Neighbouring stages run in one actor, as one
// loop; only a stage that is parallel, has a buffer or waits for a time has a queue before it and actors of its own. A
// full queue makes the stages before it wait.
// Stages: transforms.h, offload_map.h, grouping.h, tee.h, partition_by.h, sinks.h; several pipelines into one: merge.h,
// zip.h; what is done about failures: policy.h; what start gives: running.h; the items out of a receiver: to_channel.h.
//
// Thread-safety: a pipeline that does not run is a value. REQUIRES for execute and start: called by an actor.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weir/channels/pipeline/branch.h"
#include "weir/channels/pipeline/grouping.h"
#include "weir/channels/pipeline/lines_source.h"
#include "weir/channels/pipeline/merge.h"
#include "weir/channels/pipeline/node.h"
#include "weir/channels/pipeline/offload_map.h"
#include "weir/channels/pipeline/partition_by.h"
#include "weir/channels/pipeline/pipeline_run.h"
#include "weir/channels/pipeline/policy.h"
#include "weir/channels/pipeline/report.h"
#include "weir/channels/pipeline/running.h"
#include "weir/channels/pipeline/sinks.h"
#include "weir/channels/pipeline/source.h"
#include "weir/channels/pipeline/tee.h"
#include "weir/channels/pipeline/to_channel.h"
#include "weir/channels/pipeline/transforms.h"
#include "weir/channels/pipeline/zip.h"
#include "weir/runtime/actor.h"

namespace weir {

// A source and stages; `T` is what comes out at the end.
template <class T, class Source, class... Entries>
class pipeline {
 public:
  using value_type = T;

  pipeline(Source source, std::tuple<Entries...> entries) : source_(std::move(source)), entries_(std::move(entries)) {}

  // For operator| and execute.
  Source&& take_source() noexcept { return std::move(source_); }
  std::tuple<Entries...>&& take_entries() noexcept { return std::move(entries_); }

 private:
  Source source_;
  std::tuple<Entries...> entries_;
};

// A pipeline that has a sink, and can be executed.
template <class T, class Source, class... Entries>
class complete_pipeline : public pipeline<T, Source, Entries...> {
 public:
  using pipeline<T, Source, Entries...>::pipeline;
};

namespace internal {

struct execute_mark {
  execute_options options;
  site where;
};
struct start_mark {
  execute_options options;
  site where;
};

template <class Source>
auto start_pipeline(Source source) {
  return pipeline<typename Source::value_type, Source>(std::move(source), {});
}

template <class T, class Source, class... Entries, class Stage, class Policy>
auto append(pipeline<T, Source, Entries...>&& p, stage_entry<Stage, Policy>&& next) {
  static_assert((Stage::template check<T>(), true));  // before anything else that does not fit
  auto entries = std::tuple_cat(p.take_entries(), std::make_tuple(std::move(next)));
  if constexpr (Stage::is_sink)
    return complete_pipeline<T, Source, Entries..., stage_entry<Stage, Policy>>(p.take_source(), std::move(entries));
  else
    return pipeline<stage_output<Stage, T>, Source, Entries..., stage_entry<Stage, Policy>>(p.take_source(),
                                                                                            std::move(entries));
}

// The same entries, the last one under `policy`.
template <class... Entries, class... Policies>
auto guard_last(std::tuple<Entries...>&& entries, error_policy<Policies...>&& policy) {
  constexpr std::size_t last = sizeof...(Entries) - 1;
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    auto& e = std::get<last>(entries);
    using entry_type = std::remove_reference_t<decltype(e)>;
    using stage_type = typename entry_type::stage_type;
    static_assert(std::is_same_v<typename entry_type::policy_type, error_policy<>>,
                  "weir::on_error: the stage has one already: name all remedies in one, in their order, as in "
                  "weir::on_error(weir::retry(3), weir::skip)");
    static_assert(stage_type::calls,
                  "weir::on_error: the stage before it calls no function that could fail: it is a batch, window, take, "
                  "throttle or collect, or an into() of a channel; on_error stands right behind the stage it is for");
    return std::make_tuple(std::get<I>(std::move(entries))...,
                           stage_entry<stage_type, error_policy<Policies...>>{std::move(e.stage), std::move(e.options),
                                                                              std::move(policy)});
  }
  (std::make_index_sequence<last>());
}

template <template <class, class, class...> class Kind, class T, class Source, class... Entries>
auto make_kind(Source&& source, std::tuple<Entries...>&& entries) {
  return Kind<T, std::remove_cvref_t<Source>, Entries...>(std::forward<Source>(source), std::move(entries));
}

}  // namespace internal

// The elements of a range; see source.h.
template <std::ranges::input_range Range>
auto from(Range&& range) {
  return internal::start_pipeline(internal::range_source<Range>(std::forward<Range>(range)));
}
template <class T>
auto from(receiver<T> rx) {
  return internal::start_pipeline(internal::receiver_source<T>(std::move(rx)));
}
template <class T, class F>
auto generate(F f) {
  static_assert(std::is_invocable_v<F&, const std::function<bool(T)>&>,
                "weir::generate: the function takes emit, which takes a T and returns bool");
  return internal::start_pipeline(internal::generator_source<T, F>(std::move(f)));
}
inline auto lines(std::string path) { return internal::start_pipeline(internal::lines_source(std::move(path))); }

template <class T, class Source, class... Entries, class Stage, class Policy>
auto operator|(pipeline<T, Source, Entries...>&& p, internal::stage_entry<Stage, Policy> next) {
  return internal::append(std::move(p), std::move(next));
}
// The start of a branch of tee or partition_by, which is no more than a name.
template <class T, class Stage, class Policy>
auto operator|(const internal::branch_pipeline<T>& start, internal::stage_entry<Stage, Policy> next) {
  return internal::branch_pipeline<T>(start) | std::move(next);
}
// Speaks of the stage before it.
template <class T, class Source, class... Entries, class... Policies>
auto operator|(pipeline<T, Source, Entries...>&& p, internal::on_error_mark<Policies...> mark) {
  static_assert(sizeof...(Entries) > 0, "weir::on_error: there is no stage before it");
  return internal::make_kind<pipeline, T>(p.take_source(),
                                          internal::guard_last(p.take_entries(), std::move(mark.policy)));
}
template <class T, class Source, class... Entries, class... Policies>
auto operator|(complete_pipeline<T, Source, Entries...>&& p, internal::on_error_mark<Policies...> mark) {
  return internal::make_kind<complete_pipeline, T>(p.take_source(),
                                                   internal::guard_last(p.take_entries(), std::move(mark.policy)));
}

inline internal::execute_mark execute(execute_options options = {}, site where = site::current()) {
  return {std::move(options), where};
}

// Runs the pipeline and parks until all of it has ended. Returns its report, or with collect and reduce executed<T>. A
// stage that fails without remedy cancels the others; pipeline_error is thrown when they have ended. A cancel of the
// caller's scope cancels the stages. Throws misuse for options out of range, and on a plain thread.
template <class T, class Source, class... Entries>
auto operator|(complete_pipeline<T, Source, Entries...>&& p, internal::execute_mark mark) {
  internal::pipeline_run<Source, Entries...> run(p.take_source(), p.take_entries(), std::move(mark.options),
                                                 mark.where);
  return run.run();
}
template <class T, class Source, class... Entries>
void operator|(pipeline<T, Source, Entries...>&&, internal::execute_mark) {
  static_assert(sizeof(T) == 0, "weir::execute: the pipeline has no end: put into, collect or reduce before it");
}

// start() runs the pipeline in an actor of its own and returns a running_pipeline<T> at once. Throws as execute does,
// but for what the pipeline itself throws: that comes out of running_pipeline::wait.
inline internal::start_mark start(execute_options options = {}, site where = site::current()) {
  return {std::move(options), where};
}
template <class T, class Source, class... Entries>
auto operator|(complete_pipeline<T, Source, Entries...>&& p, internal::start_mark mark) {
  using run_type = internal::pipeline_run<Source, Entries...>;
  std::string name = mark.options.name;
  auto run = std::make_shared<run_type>(p.take_source(), p.take_entries(), std::move(mark.options), mark.where);
  auto runner = spawn(
      name, [run] { return run->run(); }, {}, mark.where);
  return running_pipeline<typename run_type::value_type>(std::move(run), std::move(runner));
}
template <class T, class Source, class... Entries>
void operator|(pipeline<T, Source, Entries...>&&, internal::start_mark) {
  static_assert(sizeof(T) == 0, "weir::start: the pipeline has no end: put into, collect or reduce before it");
}

// See to_channel.h.
template <class T, class Source, class... Entries>
running_output<T> operator|(pipeline<T, Source, Entries...>&& p, internal::to_channel_mark mark) {
  auto ends = channel<T>(mark.capacity, mark.options.name, mark.where);
  return {std::move(ends.rx),
          std::move(p) | into(std::move(ends.tx)) | internal::start_mark{std::move(mark.options), mark.where}};
}
template <class T, class Source, class... Entries>
void operator|(complete_pipeline<T, Source, Entries...>&&, internal::to_channel_mark) {
  static_assert(sizeof(T) == 0, "weir::to_channel: the pipeline has an end already: leave out into, collect, reduce");
}

}  // namespace weir
