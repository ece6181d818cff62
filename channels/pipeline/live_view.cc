#include "weir/channels/pipeline/live_view.h"

#include <time.h>

#include <cstdint>
#include <deque>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "weir/channels/pipeline/live_lines.h"
#include "weir/channels/pipeline/status_lines.h"
#include "weir/runtime/base/clock.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/internal/cores.h"

namespace weir::internal {
namespace {

// Of all threads of this process.
std::chrono::nanoseconds processor_time() noexcept {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

struct sample {
  pipeline_report report;
  std::chrono::nanoseconds processor;
};

// Makes what is shown out of looks at the run.
class observer {
 public:
  observer(const run_state& run, std::string name) : run_(run) {
    figures_.name = std::move(name);
    figures_.cores = usable_cores();
    samples_.push_back({run.figures(), processor_time()});
    first_ = samples_.front();
  }

  const live_figures& look(bool ended) {
    sample latest{run_.figures(), processor_time()};
    // Against one that is a second old: what was before says little about now. At the end, against the first.
    while (samples_.size() > 1 && latest.report.took - samples_[1].report.took >= std::chrono::seconds(1))
      samples_.pop_front();
    const sample& earlier = ended ? first_ : samples_.front();
    figures_.stage = stage(ended);
    figures_.lately = latest.report.since(earlier.report);
    const double passed = static_cast<double>(figures_.lately.took.count());
    figures_.cores_busy = passed > 0 ? static_cast<double>((latest.processor - earlier.processor).count()) / passed : 0;
    figures_.rate = rate_.update(latest.report.items());
    figures_.eta = time_left(latest.report);
    figures_.sums = latest.report;
    samples_.push_back(std::move(latest));
    return figures_;
  }

 private:
  run_stage stage(bool ended) const noexcept {
    if (!ended) return run_.draining.load(std::memory_order_relaxed) ? run_stage::draining : run_stage::running;
    if (!run_.through) return run_stage::cut_short;
    return run_.draining.load(std::memory_order_relaxed) ? run_stage::drained : run_stage::ended;
  }
  std::optional<double> time_left(const pipeline_report& r) {
    constexpr double whole = 1e9;
    const std::optional<double> share = r.share();
    if (!share) return {};
    // Of the share, not of the items: a file tells how many bytes are left, not how many lines.
    const double speed = share_rate_.update(static_cast<std::int64_t>(*share * whole));
    return speed > 0 ? std::optional((1 - *share) * whole / speed) : std::nullopt;
  }

  const run_state& run_;
  std::deque<sample> samples_;
  sample first_;
  smoothed_rate rate_, share_rate_;
  live_figures figures_;
};

}  // namespace

live_view::live_view(const run_state& run, std::string name)
    : run_(run), name_(std::move(name)), actor_(spawn("live view", [this] { show(); })) {}

live_view::~live_view() {
  ended_.set();
  await_exit_quietly(actor_.core("live view", {}));
}

void live_view::show() try {
  constexpr std::chrono::milliseconds beat{100};
  status_lines out;
  observer seen(run_, name_);
  while (!ended_.wait(beat)) {
    const live_figures& f = seen.look(false);
    blocking([&] {  // a terminal may be stopped
      if (out.terminal())
        out.draw(live_lines(f, out.width()));
      else if (out.line_due())
        out.print({live_line(f)});
    });
  }
  const live_figures& f = seen.look(true);
  blocking([&] {
    out.wipe();
    if (out.terminal())
      out.print(live_lines(f, out.width()));
    else
      out.print({live_line(f)});
  });
} catch (const std::exception&) {
  // Without a thread that could wait for the terminal there is no view; that is no reason to end the pipeline.
}

}  // namespace weir::internal
