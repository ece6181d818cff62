// One run of a pipeline: its scope, its stages as the report sees them, and what stops it.
//
// Thread-safety: nodes are added before anything runs; afterwards everything but the scope is only read. figures() and
// stop: all of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "weir/channels/pipeline/report.h"
#include "weir/channels/pipeline/run_part.h"
#include "weir/channels/pipeline/stage_meter.h"
#include "weir/channels/pipeline/stage_options.h"
#include "weir/runtime/base/clock.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/scope.h"

namespace weir::internal {

class node_base;

// As a part: the whole.
struct run_state : run_part {
  explicit run_state(site at) noexcept : run_part(*this, at), where(at) {}

  // The figures up to now; after close_books() those of that moment.
  pipeline_report figures() const;
  // Before the nodes go, and the sources.
  void close_books() noexcept;
  // Drain. Nothing, once the books are closed: what would be asked goes or has gone.
  void ask_to_stop() noexcept;
  // After everything has ended because of what is being handled (in a catch block): tells the nodes.
  void fail_nodes(const std::string& name) noexcept;
  // After everything has ended well: tells those nodes that were cancelled on the way, as zip does with a side of which
  // no more is wanted. The others have nothing left to tell.
  void fail_cut_nodes(const std::string& name) noexcept;

  site where;                        // of execute or start
  std::vector<node_base*> nodes;     // each behind those before it
  std::optional<std::size_t> total;  // how many items the source has, if it knows
  time_point begun = now();
  bool through = false;  // all of it has ended well; written before its end, read after
  // Set by drain, read by the live view; relaxed: stale is fine.
  std::atomic<bool> draining{false};

 private:
  // Guards `last_`, and nodes and sources against what follows close_books(). Nothing parks under it.
  mutable std::mutex books_;
  std::optional<pipeline_report> last_;
};

// A stage, or the source, without its types.
class node_base {
 public:
  node_base(const node_base&) = delete;

  const std::string& name() const noexcept { return name_; }
  // Which of the run's nodes it has its items from.
  const std::vector<std::size_t>& before() const noexcept { return before_; }
  const char* kind() const noexcept { return kind_; }
  int parallel() const noexcept { return options_.parallel; }
  const stage_options& options() const noexcept { return options_; }
  // One for each actor of the stage, and one for who gives its results on in order.
  int meters() const noexcept { return options_.parallel + 1; }
  const stage_meter& meter(int which) const noexcept { return meters_[static_cast<std::size_t>(which)]; }
  stage_meter& meter(int which) noexcept { return meters_[static_cast<std::size_t>(which)]; }
  // Whether it has a queue before it, how many fit in, and how many are in it now.
  virtual bool queued() const noexcept { return false; }
  virtual long long capacity() const noexcept { return 0; }
  virtual long long waiting() const noexcept { return 0; }
  // All actors of the run have ended, and `cause` is why.
  virtual void fail(const std::exception_ptr& /*cause*/) noexcept {}
  // Whether .parallel is for it.
  virtual bool may_be_parallel() const noexcept { return false; }

 protected:
  // Throws misuse if the options are out of range.
  node_base(run_part& part, const char* kind, stage_options options);
  // Throws misuse if the stage is parallel.
  void require_alone() const;
  // Throws misuse if the stage has a .timeout.
  void require_no_timeout() const;
  virtual ~node_base() = default;

  run_part& part_;

 private:
  [[noreturn]] void refuse(const std::string& rule, const std::string& value, const char* remedy) const;

  const char* const kind_;
  const stage_options options_;
  const std::string name_;
  const std::vector<std::size_t> before_;
  const std::unique_ptr<stage_meter[]> meters_;
};

}  // namespace weir::internal
