// to_channel(capacity): a pipeline that runs by itself, and whose items come out of a receiver.
//   running_output<T>   what `stages | weir::to_channel(64)` gives: the receiver, and the handle of the run
//
// Thread-safety: as receiver.h and running.h.
#pragma once

#include <utility>

#include "weir/channels/pipeline/pipeline_run.h"
#include "weir/channels/pipeline/running.h"
#include "weir/channels/receiver.h"
#include "weir/runtime/base/site.h"

namespace weir {

// `auto [items, run] = weir::lines(path) | weir::map(parse) | weir::to_channel(64);`
//
// The receiver is a channel's: ranges, select, copies. It is closed when all items have gone through; when the pipeline
// ends before that, with the cause: items.cause() is what run.wait() throws (after a cancel: actor_cancelled). Once
// nobody receives any more, the pipeline ends, also if it waits for its next item, as one of which no more is wanted.
// That is true of the end of a pipeline, so too of into(tx). An into(tx) that ends a branch of a tee notices when it
// sends its next item.
//
// A drain waits until all that the source has given out has been received. So an actor that receives `items` itself
// must not call run.drain() without a limit: once more is left than fits into the channel, it waits for ever. Let
// another actor call it, and receive to the end.
//
// The handle owns the run, as that of start(): its end cancels what has not ended. So keep it as long as you receive.
template <class T>
struct [[nodiscard]] running_output {
  receiver<T> items;
  running_pipeline<void> run;  // the last: it ends before the receiver goes
};

namespace internal {

struct to_channel_mark {
  long long capacity;
  execute_options options;
  site where;
};

}  // namespace internal

// Starts the pipeline and returns a running_output<T> at once. `capacity`: items that wait for their receiver, as of
// channel<T>; then the stages wait. Throws as start() does.
inline internal::to_channel_mark to_channel(long long capacity, execute_options options = {},
                                            site where = site::current()) {
  return {capacity, std::move(options), where};
}

}  // namespace weir
