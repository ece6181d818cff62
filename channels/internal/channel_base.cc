#include "weir/channels/internal/channel_base.h"

#include <fmt/core.h>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/parker.h"

namespace weir::internal {
namespace {

constexpr long long most_capacity = 1 << 24;

class channel_wait final : public wait_reason {
 public:
  channel_wait(const char* verb, channel_base& channel) noexcept : verb_(verb), channel_(channel) {}
  const char* verb() const noexcept override { return verb_; }
  std::string object() const override { return channel_.describe(); }
  void add_targets(std::vector<wait_target>& out) const override {
    out.push_back(channel_.awaited(*verb_ == 's' ? wait_target::kind::room : wait_target::kind::value));
  }

 private:
  const char* verb_;
  channel_base& channel_;
};

// Marks a chain as ended by close. Before the wakes.
void mark_closed(wait_node* chain) noexcept {
  for (; chain != nullptr; chain = chain->next) chain->closed = true;
}

}  // namespace

void channel_base::close() noexcept {
  wait_node* senders = nullptr;
  wait_node* receivers = nullptr;
  {
    const biased_lock::guard guard(lock_);
    if (is_closed()) return;
    closed_.store(true, std::memory_order_relaxed);
    senders = senders_.claim_all();
    receivers = receivers_.claim_all();
    mark_closed(senders);
    mark_closed(receivers);
  }
  wake_all(senders);
  wake_all(receivers);
}

void channel_base::drop_sender() noexcept {
  if (senders_alive_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  close();
  drop_side();
}

void channel_base::drop_receiver() noexcept {
  if (receivers_alive_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  close();
  discard();
  drop_side();
}

void channel_base::drop_side() noexcept {
  if (sides_alive_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

channel_base::wait_end channel_base::wait_locked(lock_key held, wait_list& list, void* slot, const char* verb,
                                                 deadline limit) {
  refuse_forked(verb);
  parker& self = current_parker();
  const channel_wait why(verb, *this);
  wait_node node(self, self.word().next_epoch());
  node.slot = slot;
  (&list == &senders_ ? last_sender_ : last_receiver_) = {&self, self.id()};
  wake_cause cause;
  if (limit.is_never()) {
    list.push_back(node);
    cause = self.park_holding(why, held, interruptible::yes);
  } else {
    if (self.begin_wait(interruptible::yes).cancelled) {
      held.unlock();
      return wait_end::cancelled;
    }
    list.push_back(node);
    held.unlock();
    cause = self.park(why, limit);
  }
  if (cause == wake_cause::peer) return node.closed ? wait_end::closed : wait_end::handed;
  withdraw(list, node);
  return cause == wake_cause::timeout ? wait_end::timeout : wait_end::cancelled;
}

void channel_base::abort_forked_wait(const char* verb) noexcept {
  abort_forked(verb, fmt::format("a wait on a channel{}{}", name_.empty() ? "" : " named ", name_), where_);
}

void channel_base::withdraw(wait_list& list, wait_node& node) noexcept {
  const biased_lock::guard guard(lock_);
  list.unlink(node);
}

std::size_t channel_base::senders_waiting() noexcept {
  const biased_lock::guard guard(lock_);
  return senders_.size();
}

std::size_t channel_base::receivers_waiting() noexcept {
  const biased_lock::guard guard(lock_);
  return receivers_.size();
}

std::string channel_base::label() const {
  return name_.empty() ? fmt::format("{}:{}", where_.base(), where_.line) : name_;
}

wait_target channel_base::awaited(wait_target::kind what) {
  const bool sends = what == wait_target::kind::room;
  user peer;
  {
    const biased_lock::guard guard(lock_);
    peer = sends ? last_receiver_ : last_sender_;
  }
  // Relaxed: for a report.
  const std::size_t handles = (sends ? receivers_alive_ : senders_alive_).load(std::memory_order_relaxed);
  return {what, this, label(), peer.who, peer.id, handles};
}

std::string channel_base::describe() {
  bool closed;
  {
    const biased_lock::guard guard(lock_);
    closed = is_closed();
  }
  const std::size_t now = length(), most = capacity();
  const std::string what =
      name_.empty() ? fmt::format("channel {}:{}", where_.base(), where_.line) : fmt::format("channel \"{}\"", name_);
  if (most == 0) return what + (closed ? " rendezvous closed" : " rendezvous");
  return fmt::format("{} {}/{}{}{}", what, now, most,
                     now == 0      ? " empty"
                     : now == most ? " full"
                                   : "",
                     closed ? " closed" : "");
}

std::size_t checked_capacity(long long capacity, std::string_view name, site where) {
  if (capacity < 0 || capacity > most_capacity)
    throw_misuse("channel", fmt::format("capacity must be 0..{}", most_capacity),
                 fmt::format("{} for channel \"{}\"", capacity, name),
                 "0 hands over without a buffer; some tens are enough to keep both sides busy.", where);
  return static_cast<std::size_t>(capacity);
}

void throw_empty_end(const char* call, site where) {
  throw_misuse(call, "the handle must refer to a channel", "one that was moved from or reset",
               "Use the handle it was moved to, or copy it before.", where);
}

}  // namespace weir::internal
