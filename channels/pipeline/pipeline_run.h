// One run of a pipeline, from its source to its result.
//
// Thread-safety: as run_state.h. run() is called once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weir/channels/pipeline/feed.h"
#include "weir/channels/pipeline/live_view.h"
#include "weir/channels/pipeline/node.h"
#include "weir/channels/pipeline/report.h"
#include "weir/channels/pipeline/run_state.h"
#include "weir/runtime/scope.h"

namespace weir {

struct execute_options {
  std::string name = "pipeline";  // of its actor, in dumps and in the live view
  // A live view on standard error: how far it is, at which rate, until when, and which stage holds up the others. On a
  // terminal it is redrawn below what the program prints (NO_COLOR is honoured; so is TERM=dumb, which makes it no
  // terminal); elsewhere it is a line every 10 s. The final state stays. While it runs, a deadlock is not reported, as
  // its clock goes on.
  bool progress = false;
};

// What comes of a pipeline that has a result.
template <class T>
struct executed {
  T value;
  pipeline_report report;
};

namespace internal {

// executed<T>, or for a sink without a result the report.
template <class T>
using run_result = std::conditional_t<std::is_void_v<T>, pipeline_report, executed<T>>;

template <class Source, class... Entries>
class pipeline_run final : public run_state {
  using item_type = typename Source::value_type;
  using head_type = node<item_type, Entries...>;
  using feed_type = typename feed_of<Source, head_type>::type;

 public:
  using value_type = decltype(std::declval<head_type&>().sink().take());

  // Throws misuse for options out of range.
  pipeline_run(Source&& source, std::tuple<Entries...>&& entries, execute_options options, site at)
      : run_state(at), options_(std::move(options)), feed_(std::make_unique<feed_type>(*this, std::move(source))) {
    total = feed_->size();
    const auto build = [this](Entries&&... e) {
      return std::make_unique<head_type>(*this, feed_type::many, std::move(e)...);
    };
    head_ = std::apply(build, std::move(entries));
  }

  // Parks until all of it has ended. Throws what ended it before its time: pipeline_error, cancelled.
  run_result<value_type> run() {
    std::optional<live_view> view;
    if (options_.progress) view.emplace(*this, options_.name);
    // Whatever way it ends, source and stages go at once, and with them the channels they hold; the figures stay.
    struct ending {
      pipeline_run& of;
      ~ending() {
        of.close_books();
        of.head_.reset();
        of.feed_.reset();
      }
    } const at_the_end{*this};
    try {
      with_scope(
          [this](scope& s) {
            actors = &s;
            head_->start();
            feed_->start(*head_, options_.name);
            head_->watch_sink();
          },
          where);
    } catch (...) {
      fail_nodes(options_.name);
      throw;
    }
    fail_cut_nodes(options_.name);
    through = true;
    if constexpr (std::is_void_v<value_type>)
      return make_report(*this);
    else
      return {head_->sink().take(), make_report(*this)};
  }

 private:
  const execute_options options_;
  std::unique_ptr<feed_type> feed_;
  std::unique_ptr<head_type> head_;
};

}  // namespace internal
}  // namespace weir
