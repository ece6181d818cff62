#include "weir/channels/pipeline/run_state.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "weir/runtime/base/errors.h"

namespace weir::internal {
namespace {

constexpr int most_parallel = 1'000'000;
// What a channel takes; the places of an ordered stage are as many as its actors and its queue have.
constexpr long long most_buffer = 16'777'216;

std::string in_nanoseconds(std::chrono::nanoseconds d) { return std::to_string(d.count()) + " ns"; }

}  // namespace

pipeline_report run_state::figures() const {
  const std::lock_guard guard(books_);
  return last_ ? *last_ : make_report(*this);
}
void run_state::close_books() noexcept {
  const std::lock_guard guard(books_);
  last_ = make_report(*this);
  nodes.clear();
}
void run_state::ask_to_stop() noexcept {
  const std::lock_guard guard(books_);
  if (!last_) stop.ask();
}

void run_state::fail_nodes(const std::string& name) noexcept {
  std::exception_ptr cause = std::current_exception();
  try {
    throw;
  } catch (const cancelled&) {
    // Its scope is nobody's who reads the cause.
    cause = std::make_exception_ptr(actor_cancelled("pipeline \"" + name + "\": cancelled before its end"));
  } catch (...) {
  }
  for (node_base* const n : nodes) n->fail(cause);
}
void run_state::fail_cut_nodes(const std::string& name) noexcept {
  const auto cause = std::make_exception_ptr(
      actor_cancelled("pipeline \"" + name + "\": cancelled in part, as no more was wanted of it"));
  for (node_base* const n : nodes) n->fail(cause);
}

node_base::node_base(run_part& part, const char* kind, stage_options options)
    : part_(part),
      kind_(kind),
      options_(std::move(options)),
      name_(!options_.name.empty()     ? options_.name + part.label()
            : part.run().nodes.empty() ? std::string(kind)
                                       : fmt::format("{} {}{}", kind, part.run().nodes.size(), part.label())),
      before_(std::exchange(part.before, {part.run().nodes.size()})),
      meters_(new stage_meter[static_cast<std::size_t>(std::clamp(options_.parallel, 1, most_parallel) + 1)]) {
  if (options_.parallel < 1)
    refuse(".parallel must be 1 or more", std::to_string(options_.parallel), "Say how many actors run the stage.");
  if (options_.parallel > most_parallel)
    refuse(fmt::format(".parallel must be 1 to {}", most_parallel), std::to_string(options_.parallel),
           "Thousands of calls that wait are many; for calls that compute take weir::offload_map.");
  if (options_.buffer < 0 || options_.buffer > most_buffer)
    refuse(fmt::format(".buffer must be 0 (as suits the stage) to {}", most_buffer), std::to_string(options_.buffer),
           "Tens of items are enough for most stages.");
  if (options_.parallel > 1 && options_.buffer + options_.parallel > most_buffer)
    refuse(fmt::format(".buffer and .parallel must be {} together at most", most_buffer),
           fmt::format(".buffer = {} and .parallel = {}", options_.buffer, options_.parallel),
           "Tens of items are enough for most stages.");
  if (options_.timeout.count() < 0)
    refuse(".timeout must not be negative", in_nanoseconds(options_.timeout), "0 means: no limit.");
  part.run().nodes.push_back(this);
}

void node_base::require_alone() const {
  if (options_.parallel != 1)
    refuse("it looks at several items and runs in one actor", fmt::format(".parallel = {}", options_.parallel),
           "Leave .parallel out.");
}
void node_base::require_no_timeout() const {
  if (options_.timeout.count() != 0)
    refuse("it calls no function whose time .timeout could limit", ".timeout = " + in_nanoseconds(options_.timeout),
           "Leave .timeout out, or set it at the stage whose function may take long.");
}

void node_base::refuse(const std::string& rule, const std::string& value, const char* remedy) const {
  throw_misuse(fmt::format("stage \"{}\"", name_).c_str(), rule, value, remedy, part_.run().where);
}

}  // namespace weir::internal
