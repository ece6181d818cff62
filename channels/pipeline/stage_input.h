// How items come to a stage: by a call from the stage before it, in that one's actor, or through a queue to actors of
// its own.
//
// Thread-safety: push and finish: whoever runs the stage before; if that is several actors at once, there is a queue.
#pragma once

#include <atomic>
#include <optional>
#include <type_traits>
#include <utility>

#include "weir/channels/channel.h"
#include "weir/channels/pipeline/ordered_lane.h"
#include "weir/channels/pipeline/run_state.h"

namespace weir::internal {

// Receives one item, and counts the time it has to wait for it. No place is given, here as elsewhere in pipelines: a
// report that names a line of theirs would tell nobody anything; it has the stage's name.
template <class T>
recv_result<T> take_item(const receiver<T>& rx, deadline limit, stage_meter& m) {
  if (recv_result<T> ready = rx.try_recv(); ready.status() == recv_status::ok) return ready;
  const meter_wait::span starved(m.starved);
  return rx.recv(limit, site{});
}
// Sends one item, and counts the time until there is room. False: nobody wants it any more.
template <class T>
bool put_item(const sender<T>& tx, T&& item, stage_meter& m) {
  if (tx.try_send(std::move(item)) == send_status::ok) return true;
  const meter_wait::span blocked(m.blocked);
  return tx.send(std::move(item), site{});
}

// An item in a queue. `Out`: what the stage makes of it, void for a sink.
template <class In, class Out>
struct queued_item {
  In value;
  ordered_place<Out>* place = nullptr;  // of an ordered stage

  // Nothing more comes of it.
  void settle() const {
    if (place != nullptr) place->filled.release();
  }
};
template <class In>
struct queued_item<In, void> {
  In value;
  void settle() const {}
};

// `Stage` derives from it and has
//   make()                         an instance: the state of one actor that runs the stage
//   apply(item, instance, meter)   false: no more items are wanted
//   on_time(instance, meter)       if the instance has a due(): that time has come
//   end(instance, meter)           the instance gets no more items
//   end()                          no instance does
template <class In, class Out, class Instance, class Stage>
class stage_input : public node_base {
 public:
  using in_type = In;
  using item_type = queued_item<In, Out>;

  bool queued() const noexcept final { return queued_; }
  long long capacity() const noexcept final {
    if (!queued_) return 0;
    return options().buffer > 0 ? options().buffer : 16 + 4 * parallel();
  }
  long long waiting() const noexcept final { return queue_ ? static_cast<long long>(queue_->length()) : 0; }

  // False: no more items are wanted.
  [[gnu::always_inline]] bool push(In&& value, stage_meter& from) {
    if (queued_) return enqueue(std::move(value), from);
    return self().apply({std::move(value)}, *alone_, meter(0));
  }
  // There are no more items.
  void finish() {
    if (queued_) {
      tx_.reset();
      if constexpr (!std::is_void_v<Out>)
        if (lane_) lane_->finish();
    } else {
      self().end(*alone_, meter(0));
      self().end();
    }
  }

 protected:
  stage_input(run_part& part, const char* kind, stage_options options, bool needs_queue)
      : node_base(part, kind, std::move(options)),
        queued_(needs_queue || parallel() > 1 || this->options().buffer > 0) {
    if (!queued_) return;
    auto ends = channel<item_type>(capacity(), name());
    tx_ = std::move(ends.tx);
    rx_ = std::move(ends.rx);
    queue_ = &tx_.core("pipeline", part.run().where);
    keeps_queue_ = tx_.weak();
  }

  void start_input() {
    if (!queued_) {
      alone_.emplace(self().make());
      return;
    }
    if constexpr (!std::is_void_v<Out>) {
      if (parallel() > 1 && options().order == ordered) {
        lane_.emplace(capacity() + parallel());
        part_.actors->spawn(name(), [this, rx = rx_] {
          const stage_meter::duty on_duty(meter(parallel()));
          lane_->run([this](auto& results) { return self().give_on(results); }, [&] { refuse(rx); });
          self().end();
        });
      }
    }
    running_ = parallel();
    for (int i = 0; i < parallel(); ++i)
      part_.actors->spawn(name(), [this, i, rx = rx_]() mutable { consume(meter(i), std::move(rx)); });
    rx_.reset();
  }

 private:
  struct no_lane {};
  using lane_type =
      std::conditional_t<std::is_void_v<Out>, no_lane, ordered_lane<std::conditional_t<std::is_void_v<Out>, int, Out>>>;

  Stage& self() noexcept { return static_cast<Stage&>(*this); }

  [[gnu::noinline]] bool enqueue(In&& value, stage_meter& from) {
    item_type item{std::move(value)};
    if constexpr (!std::is_void_v<Out>)
      if (lane_ && (item.place = lane_->take(from)) == nullptr) return false;
    if (put_item(tx_, std::move(item), from)) {
      from.out.add(1);
      return true;
    }
    item.settle();
    return false;
  }

  // No more items are wanted: neither the stage before this one nor the actors of this one go on.
  void refuse(const receiver<item_type>& rx) {
    part_.unwanted();
    rx.close();
    while (recv_result<item_type> left = rx.try_recv()) left->settle();
  }

  void consume(stage_meter& m, receiver<item_type> rx) {
    const stage_meter::duty on_duty(m);
    Instance instance = self().make();
    bool more = true;
    while (more) {
      deadline limit;
      if constexpr (requires { instance.due(); }) limit = instance.due();
      recv_result<item_type> item = take_item(rx, limit, m);
      if (item) {
        more = self().apply(*std::move(item), instance, m);
      } else if (item.status() == recv_status::timeout) {
        if constexpr (requires { instance.due(); }) more = self().on_time(instance, m);
      } else {
        break;
      }
    }
    if (!more) refuse(rx);
    rx.reset();
    self().end(instance, m);
    // Acquire-release: the last one sees what the others have done.
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1 && !lane_) self().end();
  }

  const bool queued_;
  std::optional<Instance> alone_;  // without a queue
  sender<item_type> tx_;
  receiver<item_type> rx_;                    // until the actors have theirs
  channel_core<item_type>* queue_ = nullptr;  // for whoever looks on, whatever becomes of the ends
  weak_sender<item_type> keeps_queue_;
  std::optional<lane_type> lane_;
  std::atomic<int> running_{0};
};

}  // namespace weir::internal
