#include "weir/runtime/actor.h"

#include <fmt/core.h>

#include <exception>

#include "weir/runtime/internal/failure_sink.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {
namespace {

class join_wait final : public wait_reason {
 public:
  join_wait(const actor_core& a, site where) noexcept : actor_(a), where_(where) {}
  const char* verb() const noexcept override { return "join"; }
  std::string object() const override { return fmt::format("actor \"{}\" (#{})", actor_.name(), actor_.id()); }
  void add_targets(std::vector<wait_target>& out) const override {
    out.push_back({wait_target::kind::exit, &actor_, std::string(actor_.name()), &actor_, actor_.id()});
  }
  site where() const noexcept override { return where_; }

 private:
  const actor_core& actor_;
  const site where_;
};

}  // namespace

bool await_exit(actor_core& a, deadline limit, site where) {
  actor_core* const self = current_actor();
  if (self == &a)
    throw_misuse("join", "an actor cannot wait for its own end", fmt::format("actor \"{}\" (#{})", a.name(), a.id()),
                 "Return from its function instead.", where);
  const join_wait why(a, where);
  for (bool quiet = std::uncaught_exceptions() > 0;; quiet = true) {
    switch (a.exited().wait(why, quiet ? interruptible::no : interruptible::yes, limit)) {
      case event::outcome::set:
        return true;
      case event::outcome::timeout:
        return false;
      case event::outcome::cancelled:
        self->meet_cancel("join");  // in a shield whose grace is over, it waits on
    }
  }
}

void await_exit_quietly(actor_core& a) noexcept { a.exited().wait(join_wait(a, {}), interruptible::no); }

void rethrow_exit(actor_core& a) {
  if (a.how() == exit_kind::failed) std::rethrow_exception(a.error());
  if (a.how() != exit_kind::cancelled) return;
  closed_or_cancelled("join");  // a sibling that met the same cancel first is no failure of ours
  throw actor_cancelled(fmt::format("actor \"{}\" (#{}, spawned at {}:{}) was cancelled before it had a result",
                                    a.name(), a.id(), a.where().base(), a.where().line));
}

void abandon(actor_core& a) noexcept {
  if (a.forked()) abort_forked("~actor", fmt::format("actor \"{}\" (#{})", a.name(), a.id()), a.where());
  if (current_actor() == &a)
    abort_misuse("~actor", "the owning handle of an actor cannot end in that actor",
                 fmt::format("actor \"{}\" (#{})", a.name(), a.id()), "detach() it, or keep the handle elsewhere.",
                 a.where());
  a.cancel();
  await_exit_quietly(a);
  // While the owner unwinds, its own failure goes before this one.
  if (a.how() == exit_kind::failed && std::uncaught_exceptions() == 0) a.failures().report(a, a.error());
}

void throw_empty_handle(const char* call, site where) {
  throw_misuse(call, "the handle must refer to an actor", "one that was moved from, detached or never set",
               "Use the handle it was moved to.", where);
}

void throw_forked_handle(const actor_core& a, const char* call, site where) {
  throw_forked(call, fmt::format("actor \"{}\" (#{})", a.name(), a.id()), where);
}

void throw_taken(actor_core& a, site where) {
  throw_misuse("join", "the value of an actor can be taken once",
               fmt::format("a second join of actor \"{}\" (#{})", a.name(), a.id()),
               "Keep what the first join returned, or use wait().", where);
}

}  // namespace weir::internal
