// A pipeline that runs by itself, while its owner does other things.
//   running_pipeline<T>   what `stages | weir::start()` gives; T: the value at the end, void if there is none
//
// Thread-safety: as actor<T>: one handle object is used by one at a time.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "weir/channels/pipeline/pipeline_run.h"
#include "weir/channels/pipeline/report.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {

// Drain and cancel are different verbs. After drain() all that the source had given out has gone through all stages,
// and the result is that of a whole, if shorter, stream. After cancel() items are lost wherever they happened to be.
template <class T>
class [[nodiscard]] running_pipeline {
 public:
  using result_type = internal::run_result<T>;

  running_pipeline() = default;  // refers to none
  running_pipeline(std::shared_ptr<internal::run_state> run, weir::actor<result_type> runner) noexcept
      : run_(std::move(run)), actor_(std::move(runner)) {}
  running_pipeline(running_pipeline&&) noexcept = default;
  // Cancels and joins what this one owned.
  running_pipeline& operator=(running_pipeline&&) noexcept = default;
  // Cancels the pipeline and waits for its end, as actor<T> does. Never throws; a failure that nobody has waited for
  // goes to runtime_options.on_unhandled.
  ~running_pipeline() = default;

  // Parks until all of it has ended. The value and the report, or the report alone, moved out: a second wait() is
  // misuse. Throws pipeline_error with the name of the stage that failed, or actor_cancelled: then progress() tells how
  // far it came. A cancel of the caller throws weir::cancelled and leaves the pipeline alone.
  result_type wait(site where = site::current()) { return actor_.join(where); }

  // Stops the source, lets the stages empty, and parks until all of it has ended, partial batches flushed: true. If
  // `limit` comes first, or if a stage fails, the rest is cancelled and its end waited for: false, and wait() throws
  // why. A cancel of the caller throws weir::cancelled; the source stays stopped.
  //
  // A source that is in the middle of an item gives out that one. A receiver that is the only one closes its channel,
  // and what had been sent goes through; if there are others, what is in the channel is left to them, or, if they are
  // drained too, to the last of them. Of a pipe or a terminal the whole lines that have been read go through. A
  // generator hears of it at its next emit, which says false; while it waits for something else, nothing stops it but
  // `limit`.
  bool drain(deadline limit = {}, site where = site::current()) {
    actor_.core("drain", where);  // an empty handle is misuse
    run_->draining.store(true, std::memory_order_relaxed);
    run_->ask_to_stop();
    if (!actor_.wait(limit, where)) {
      actor_.cancel(where);
      actor_.wait({}, where);
    }
    return run_->through;  // written before the end that we have seen
  }

  // Ends all stages at their next park. Returns at once.
  void cancel(site where = site::current()) { actor_.cancel(where); }

  // The figures up to now, or, once it has ended, those of its end. Never parks.
  pipeline_report progress(site where = site::current()) const {
    actor_.core("progress", where);
    return run_->figures();
  }

  // For on_exit and the other calls that wait for an actor: it ends when the pipeline does.
  const weir::actor<result_type>& actor() const noexcept { return actor_; }
  // False once moved from.
  explicit operator bool() const noexcept { return static_cast<bool>(actor_); }

 private:
  std::shared_ptr<internal::run_state> run_;
  weir::actor<result_type> actor_;  // last: it ends before what it works on goes
};

}  // namespace weir
