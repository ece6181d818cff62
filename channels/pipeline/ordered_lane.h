// The order of a parallel stage: each item gets a place when it comes in, and the places are emptied in that order.
//
// Thread-safety: all of it. The number of places bounds how far a slow item lets the others get ahead.
#pragma once

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "weir/channels/channel.h"
#include "weir/channels/pipeline/stage_meter.h"
#include "weir/runtime/sync/semaphore.h"

namespace weir::internal {

// Where the results of one item wait for those of the items before it.
template <class Out>
struct ordered_place {
  std::vector<Out> results;
  bool last = false;    // nothing behind it goes on
  semaphore filled{0};  // one permit once no more results come
};

template <class Out>
class ordered_lane {
 public:
  using place = ordered_place<Out>;

  explicit ordered_lane(long long places)
      : places_(static_cast<std::size_t>(places)), free_(channel<place*>(places)), taken_(channel<place*>(places)) {
    for (place& p : places_) free_.tx.send(&p);
  }

  // The next item's place. Parks until one is free, which is counted as blocked. Null while the caller unwinds from a
  // cancel: then there is none.
  place* take(stage_meter& from) {
    const auto wait = [&] {
      const meter_wait::span blocked(from.blocked);
      return free_.rx.recv(site{});
    };
    recv_result<place*> ready = free_.rx.try_recv();
    const std::optional<place*> p = ready ? std::optional<place*>(*ready) : wait();
    if (!p) return nullptr;
    taken_.tx.send(*p);
    return *p;
  }
  void finish() { taken_.tx.close(); }

  // Calls give_on(results) for each place in order, until finish(). Once it returns false, or a place was the last,
  // calls unwanted(), and drops the results from then on.
  template <class GiveOn, class Unwanted>
  void run(GiveOn give_on, Unwanted unwanted) {
    bool wanted = true;
    while (const std::optional<place*> next = taken_.rx.recv(site{})) {
      place* const p = *next;
      p->filled.acquire();
      if (wanted && (!give_on(p->results) || p->last)) {
        wanted = false;
        unwanted();
      }
      p->results.clear();
      p->last = false;
      free_.tx.send(p);
    }
  }

 private:
  std::deque<place> places_;
  channel_ends<place*> free_, taken_;
};

}  // namespace weir::internal
