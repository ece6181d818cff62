// The supervisor's loop, and how others reach it: by commands through a channel, which it takes between two restarts.
#include "weir/channels/actors/supervisor.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "weir/channels/actors/internal/supervision.h"
#include "weir/channels/oneshot.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/shielded.h"

namespace weir {
namespace {

enum class answer : std::uint8_t { done, unknown, taken };

// A call of another actor. The reply that is dropped says: run() has ended.
struct command {
  enum class what : std::uint8_t { add, remove, kill };
  what kind;
  child_spec spec;  // of remove and kill the name only
  oneshot_sender<answer> reply;
};

[[noreturn]] void throw_taken(const std::string& name, site where) {
  internal::throw_misuse("supervisor::add", "child_spec.name must be unique in its supervisor",
                         "\"" + name + "\" again", "Number the children of one kind, or remove() the one before.",
                         where);
}

}  // namespace

class supervisor::state {
 public:
  state(supervisor_options options, site where)
      : name_(options.name),
        options_(std::move(options)),
        commands_(channel<std::unique_ptr<command>>(16, "commands of " + name_, where)) {
    options_.name = name_;
  }

  void run(site where);
  bool add(child_spec child, site where);
  answer call(command::what kind, std::string_view name);
  void shutdown() noexcept { shutdown_.set(); }
  const internal::supervisor_counts& counts() const noexcept { return counts_; }

 private:
  enum class phase : std::uint8_t { before, running, over };

  std::vector<child_spec> begin(site where);
  void loop(internal::supervision& children);
  answer obey(internal::supervision& children, command& c);
  // Empty: run() has ended.
  std::optional<answer> order(command::what kind, child_spec spec);
  void end();

  const std::string name_;
  supervisor_options options_;
  const channel_ends<std::unique_ptr<command>> commands_;
  internal::event shutdown_;
  internal::supervisor_counts counts_;

  std::mutex mutex_;  // for a few instructions
  // Guarded by mutex_.
  phase phase_ = phase::before;
  std::vector<child_spec> first_;  // added before run()
};

std::vector<child_spec> supervisor::state::begin(site where) {
  if (internal::current_actor() == nullptr)
    internal::throw_misuse("supervisor::run", "a supervisor runs in an actor", "a plain thread",
                           "Call it inside weir::run([] { ... }), or spawn an actor for it.", where);
  std::lock_guard guard(mutex_);
  if (phase_ != phase::before)
    internal::throw_misuse("supervisor::run", "a supervisor runs once", fmt::format("a second run of \"{}\"", name_),
                           "Make another one.", where);
  phase_ = phase::running;
  return std::move(first_);
}

void supervisor::state::run(site where) {
  std::vector<child_spec> first = begin(where);
  internal::supervision children(options_, name_, counts_, shutdown_, where);
  try {
    for (child_spec& c : first) children.add(std::move(c));
    children.start_from(0);
    loop(children);
    children.shut_down();
  } catch (...) {
    // In whatever way it ends: no child outlives it. What is over already is left out.
    shielded([&] { children.shut_down(); });
    end();
    throw;
  }
  end();
}

void supervisor::state::end() {
  {
    std::lock_guard guard(mutex_);
    phase_ = phase::over;
  }
  commands_.rx.close();
  while (commands_.rx.try_recv()) {  // dropped unanswered
  }
  options_.events.reset();
}

void supervisor::state::loop(internal::supervision& children) {
  const std::string stop_text = "shutdown of " + name_;
  while (options_.stays || children.any_runs()) {
    std::optional<exit_notice> ended;
    std::unique_ptr<command> order;
    const bool goes_on =
        select(on_exit(children.exits(), [&](auto n) { ended = std::move(n); }).when(children.exits().left() > 0),
               on_recv(commands_.rx,
                       [&](auto c) {
                         if (c) order = std::move(*c);
                       }),
               internal::body_event_case(shutdown_, stop_text.c_str(), [] { return false; }, {}));
    if (!goes_on) return;
    if (ended) {
      // A cancel reaches actors one by one. If it was what ended the child, it has reached a scope of ours as well.
      internal::closed_or_cancelled("supervisor");
      children.ended(*ended);
    }
    if (order) {
      const answer a = obey(children, *order);
      std::move(order->reply).send(a);
    }
  }
}

answer supervisor::state::obey(internal::supervision& children, command& c) {
  switch (c.kind) {
    case command::what::add:
      if (children.knows(c.spec.name)) return answer::taken;
      children.add(std::move(c.spec));
      children.start_last();
      return answer::done;
    case command::what::remove:
      return children.remove(c.spec.name) ? answer::done : answer::unknown;
    case command::what::kill:
      return children.kill(c.spec.name) ? answer::done : answer::unknown;
  }
  return answer::unknown;
}

std::optional<answer> supervisor::state::order(command::what kind, child_spec spec) {
  auto [tx, rx] = oneshot<answer>();
  if (!commands_.tx.send(std::make_unique<command>(command{kind, std::move(spec), std::move(tx)}))) return {};
  return rx.recv();
}

bool supervisor::state::add(child_spec child, site where) {
  if (child.name.empty() || !child.run)
    internal::throw_misuse("supervisor::add", "a child_spec has a name and a function",
                           child.name.empty() ? "one without a name" : "\"" + child.name + "\" without .run",
                           "Give both: {.name = \"db\", .run = [] { ... }}.", where);
  const std::string name = child.name;
  {
    std::lock_guard guard(mutex_);
    if (phase_ == phase::over) return false;
    if (phase_ == phase::before) {
      if (std::any_of(first_.begin(), first_.end(), [&](const child_spec& c) { return c.name == name; }))
        throw_taken(name, where);
      first_.push_back(std::move(child));
      return true;
    }
  }
  const std::optional<answer> a = order(command::what::add, std::move(child));
  if (a == answer::taken) throw_taken(name, where);
  return a == answer::done;
}

answer supervisor::state::call(command::what kind, std::string_view name) {
  {
    std::lock_guard guard(mutex_);
    if (phase_ == phase::before && kind == command::what::remove)
      return std::erase_if(first_, [&](const child_spec& c) { return c.name == name; }) > 0 ? answer::done
                                                                                            : answer::unknown;
    if (phase_ != phase::running) return answer::unknown;
  }
  child_spec spec;
  spec.name = name;
  return order(kind, std::move(spec)).value_or(answer::unknown);
}

supervisor::supervisor(supervisor_options options, site where) {
  if (options.restarts < 0 || options.within <= std::chrono::nanoseconds::zero())
    internal::throw_misuse("supervisor", "restarts must be 0 or more, within more than zero",
                           fmt::format("{} within {} ns", options.restarts, options.within.count()),
                           "{.restarts = 3, .within = 5s} allows three in five seconds.", where);
  state_ = std::make_unique<state>(std::move(options), where);
}
supervisor::~supervisor() = default;

void supervisor::run(site where) { state_->run(where); }
bool supervisor::add(child_spec child, site where) { return state_->add(std::move(child), where); }
bool supervisor::remove(std::string_view name, site) {
  return state_->call(command::what::remove, name) == answer::done;
}
bool supervisor::kill(std::string_view name, site) { return state_->call(command::what::kill, name) == answer::done; }
void supervisor::shutdown() noexcept { state_->shutdown(); }
std::uint64_t supervisor::restarts() const noexcept {
  return state_->counts().restarts.load(std::memory_order_relaxed);
}
std::uint64_t supervisor::events_lost() const noexcept {
  return state_->counts().events_lost.load(std::memory_order_relaxed);
}

}  // namespace weir
