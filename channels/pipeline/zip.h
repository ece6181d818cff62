// zip(a, b): one pipeline of pairs, the first of each, the second of each, and so on.
//
// Thread-safety: as pipeline.h.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/channels/channel.h"
#include "weir/channels/pipeline/branch.h"
#include "weir/channels/pipeline/stage_call.h"
#include "weir/channels/pipeline/stage_input.h"
#include "weir/channels/select.h"
#include "weir/channels/sync_cases.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/event.h"

namespace weir {
namespace internal {

inline constexpr long long zip_queue = 16;

// One of the two, and the queue in which its items wait for their partners.
template <class Pipeline>
class zip_side {
 public:
  using value_type = typename Pipeline::value_type;

  zip_side(run_part& around, Pipeline&& p)
      : ends_(channel<value_type>(zip_queue, "zip")),
        queue_(ends_.tx.core("pipeline", around.run().where)),
        keeps_queue_(ends_.tx.weak()),
        branch_(around, std::move(p), *this) {}

  // For the branch.
  void follows(const std::vector<std::size_t>& nodes) { before_ = nodes; }
  bool take(value_type&& value, stage_meter& from) {
    if (!put_item(ends_.tx, std::move(value), from)) return false;
    from.out.add(1);
    return true;
  }
  void finish_one() {
    ended_.store(true, std::memory_order_relaxed);
    ends_.tx.reset();
  }

  const std::vector<std::size_t>& before() const noexcept { return before_; }
  const receiver<value_type>& items() const noexcept { return ends_.rx; }
  // For whoever looks on.
  long long waiting() const noexcept { return static_cast<long long>(queue_.length()); }

  // Runs it in a scope of its own, so that it can be cancelled while the rest goes on. What has come to its own end is
  // not: a branch of a tee in it may still be at work on what it has in its queue.
  void start(scope& actors, const std::string& name) {
    actors.spawn(name, [this, name] {
      with_scope([&](scope& s) {
        branch_.start(s, name);
        over_.wait({}, site{});
        if (!ended_.load(std::memory_order_relaxed)) s.cancel();
      });
    });
  }
  // No more of it is wanted, whatever it is doing.
  void end() {
    ends_.rx.reset();
    over_.set();
  }

 private:
  channel_ends<value_type> ends_;
  channel_core<value_type>& queue_;  // for whoever looks on, whatever becomes of the ends
  weak_sender<value_type> keeps_queue_;
  std::vector<std::size_t> before_;
  weir::event over_;  // not the internal one
  // Set by finish_one() before the queue closes, read by start() after `over_`. Relaxed: whoever has set `over_`
  // because the queue was closed has seen that close, which orders the two; otherwise either answer is right.
  std::atomic<bool> ended_{false};
  sourced_branch<Pipeline, zip_side> branch_;
};

template <class A, class B>
class zip_source {
 public:
  using value_type = std::pair<typename A::value_type, typename B::value_type>;

  zip_source(A a, B b) : a_(std::move(a)), b_(std::move(b)) {}

  // An actor takes from both queues.
  template <class Head>
  class feed {
   public:
    static constexpr bool many = false;

    feed(run_part& part, zip_source&& source)
        : part_(part), a_(part, std::move(source.a_)), b_(part, std::move(source.b_)), node_(after_both(), *this) {}

    // Unknown: how many of the longer one will come is.
    std::optional<std::size_t> size() const { return {}; }
    void start(Head& head, const std::string& name) {
      a_.start(*part_.actors, name);
      b_.start(*part_.actors, name);
      part_.actors->spawn(node_.name(), [this, &head] {
        // What comes between the two queues and the stage behind is the zip's; the rest has a name already.
        under_some_name(node_, [&] { run(head, node_.meter(0)); });
        a_.end();
        b_.end();
        head.finish();
      });
    }

   private:
    // Its queue is both.
    class zip_node final : public node_base {
     public:
      zip_node(run_part& part, const feed& of) : node_base(part, "zip", {}), of_(of) {}
      bool queued() const noexcept override { return true; }
      long long capacity() const noexcept override { return 2 * zip_queue; }
      long long waiting() const noexcept override { return of_.a_.waiting() + of_.b_.waiting(); }

     private:
      const feed& of_;
    };

    run_part& after_both() {
      part_.before = a_.before();
      part_.before.insert(part_.before.end(), b_.before().begin(), b_.before().end());
      return part_;
    }
    void run(Head& head, stage_meter& m) {
      std::optional<typename A::value_type> a;
      std::optional<typename B::value_type> b;
      while (take_both(a, b, m)) {
        if (m.in.add()) m.in.next_group(now(), false);
        if (!head.push(value_type(*std::move(a), *std::move(b)), m)) return;
        a.reset();
        b.reset();
      }
    }
    // False: one of them has ended, or nobody wants more.
    template <class T, class U>
    bool take_both(std::optional<T>& a, std::optional<U>& b, stage_meter& m) {
      if (!take_ready(a, a_.items()) || !take_ready(b, b_.items())) return false;
      if (a && b) return true;
      const meter_wait::span starved(m.starved);
      bool open = true;
      while (open && !(a && b)) {
        const auto keep = [&open](auto& into) {
          return [&open, &into](auto got) {
            open = got.has_value();
            if (open) into.emplace(*std::move(got));
          };
        };
        select(on_recv(a_.items(), keep(a)).when(!a), on_recv(b_.items(), keep(b)).when(!b),
               on_set(part_.stop.when_unwanted(), [&open] { open = false; }));
      }
      return open;
    }
    template <class T>
    static bool take_ready(std::optional<T>& into, const receiver<T>& from) {
      if (into) return true;
      recv_result<T> got = from.try_recv();
      if (got) into.emplace(*std::move(got));
      return got.status() != recv_status::closed;
    }

    run_part& part_;
    zip_side<A> a_;
    zip_side<B> b_;
    zip_node node_;
  };

 private:
  A a_;
  B b_;
};

}  // namespace internal

// It ends with the shorter one: when one of them has ended, and its items are used up, the other, if it has not come to
// its end as well, is cancelled, whatever it is doing, and what it has given beyond is lost. The same when nobody wants
// more pairs. An item waits for its partner in a queue of 16, then its pipeline waits. If one of them fails, all end.
template <class A, class B>
auto zip(A a, B b) {
  constexpr bool are_pipelines = internal::is_open_pipeline<A> && internal::is_open_pipeline<B>;
  static_assert(are_pipelines,
                "weir::zip: it takes two pipelines without an end, such as weir::from(a) and weir::from(b) | "
                "weir::map(f)");
  if constexpr (are_pipelines) {
    using source_type = internal::zip_source<A, B>;
    return pipeline<typename source_type::value_type, source_type>(source_type(std::move(a), std::move(b)), {});
  }
}

}  // namespace weir
