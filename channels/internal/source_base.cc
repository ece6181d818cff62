#include "weir/channels/internal/source_base.h"

#include <fmt/core.h>

#include <mutex>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/parker.h"

namespace weir::internal {
namespace {

class source_wait final : public wait_reason {
 public:
  source_wait(const char* verb, source_base& source, site where) noexcept
      : verb_(verb), source_(source), where_(where) {}
  const char* verb() const noexcept override { return verb_; }
  std::string object() const override { return source_.describe(); }
  site where() const noexcept override { return where_; }

 private:
  const char* verb_;
  source_base& source_;
  const site where_;
};

}  // namespace

source_base::wait_end source_base::wait_locked(wait_list& list, void* slot, const char* verb, deadline limit,
                                               site where) {
  refuse_forked(verb);
  if (limit.expired()) {
    lock_.unlock();
    spend_operation();
    return wait_end::timeout;
  }
  parker& self = current_parker();
  const source_wait why(verb, *this, where);
  wait_node node(self, self.word().next_epoch());
  node.slot = slot;
  wake_cause cause;
  if (limit.is_never()) {
    list.push_back(node);
    cause = self.park_holding(why, lock_.key(), interruptible::yes);
  } else {
    if (self.begin_wait(interruptible::yes).cancelled) {
      lock_.unlock();
      return wait_end::cancelled;
    }
    list.push_back(node);
    lock_.unlock();
    cause = self.park(why, limit);
  }
  if (cause == wake_cause::peer) return node.closed ? wait_end::closed : wait_end::handed;
  withdraw(list, node);
  return cause == wake_cause::timeout ? wait_end::timeout : wait_end::cancelled;
}

wait_node* source_base::close_locked(wait_list& list) noexcept {
  wait_node* const chain = list.claim_all();
  for (wait_node* n = chain; n != nullptr; n = n->next) n->closed = true;
  return chain;
}

void source_base::withdraw(wait_list& list, wait_node& node) noexcept {
  std::lock_guard guard(lock_);
  list.unlink(node);
}

std::size_t source_base::waiting_in(const wait_list& list) noexcept {
  std::lock_guard guard(lock_);
  return list.size();
}

std::string source_base::place(const char* kind, const std::string& name) const {
  if (!name.empty()) return fmt::format("{} \"{}\"", kind, name);
  return fmt::format("{} {}:{}", kind, where_.base(), where_.line);
}

void source_base::abort_forked_wait(const char* verb) {
  lock_.unlock();  // describe() takes it
  abort_forked(verb, "a wait on " + describe(), where_);
}

}  // namespace weir::internal
