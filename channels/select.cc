// The select protocol, without types.
//
//   1. Try each enabled case once, in random order.
//   2. Open the claim and register the cases one by one, in the same order. Each registration looks again at its
//   source; what
//      is ready by then completes at once, if the select still wins its own claim. This is also the second look before
//      `otherwise`: when all are registered and nobody has claimed, there was a moment at which no case was ready.
//   3. Park, at most until the first timer case is due.
//   4. Withdraw what was not unlinked by the winner. Only then does the caller run the chosen body, with nothing
//   registered.
//
// Registering may meet another select that does the same with our node: wait_list.h says who gives way. Who gives way
// withdraws everything and starts anew, which is rare and short.
#include "weir/channels/select.h"

#include <fmt/core.h>

#include <algorithm>
#include <new>
#include <utility>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/plant.h"
#include "weir/runtime/internal/random.h"

namespace weir::internal {
namespace {

using enrolled = select_case::enrolled;

class select_wait final : public wait_reason {
 public:
  select_wait(select_case** cases, int count) noexcept : cases_(cases), count_(count) {}
  const char* verb() const noexcept override { return "select"; }
  std::string object() const override {
    std::string text;
    for (int i = 0; i < count_; ++i)
      if (cases_[i]->enabled) text += (text.empty() ? "" : ", ") + cases_[i]->describe();
    return text;
  }

 private:
  select_case** const cases_;
  const int count_;
};

// One call of select_one. order_[0 .. enabled_) are the enabled cases; shuffled by the try pass. Nodes are made when
// they are registered, nodes_[i] for the case order_[i].
class selection {
 public:
  selection(select_case** cases, std::byte* nodes, int* order, int count)
      : cases_(cases), nodes_(reinterpret_cast<wait_node*>(nodes)), order_(order), count_(count) {
    for (int i = 0; i < count; ++i)
      if (cases[i]->enabled) order_[enabled_++] = i;
  }

  int enabled() const noexcept { return enabled_; }

  // The index of a case that was ready, or -1.
  int try_all() {
    random_source* random = enabled_ > 1 ? &thread_random() : nullptr;
    for (int i = 0; i < enabled_; ++i) {
      const int other =
          i + 1 < enabled_ ? i + static_cast<int>(random->below(static_cast<std::uint32_t>(enabled_ - i))) : i;
      const int drawn = order_[other];
      order_[other] = std::exchange(order_[i], drawn);
      if (cases_[drawn]->try_now()) return drawn;
    }
    return -1;
  }

  enum class outcome : std::uint8_t { chosen, none_ready, again, cancelled };

  // Registers, and parks unless `only_look`. Withdraws in every case.
  outcome register_and_park(bool only_look, int& chosen) {
    parker& self = current_parker();
    const auto opened = self.begin_wait(only_look ? interruptible::no : interruptible::yes);
    if (opened.cancelled) return outcome::cancelled;
    epoch_ = opened.epoch;
    winner_ = nullptr;

    int linked = 0;
    enrolled e = enrolled::waiting;
    for (; linked < enabled_ && e == enrolled::waiting; ++linked) {
      wait_node& n = *::new (static_cast<void*>(nodes_ + linked)) wait_node(self, epoch_);
      n.index = order_[linked];
      n.winner = &winner_;
      e = at(linked).enroll(n);
    }

    outcome result = outcome::chosen;
    bool must_park = e == enrolled::lost;
    switch (e) {
      case enrolled::done:
        chosen = order_[linked - 1];
        break;
      case enrolled::waiting:
        // All stand in their lists, and nobody has completed one: with `otherwise`, this is the moment.
        if (only_look && self.word().claim_self(epoch_)) {
          result = outcome::none_ready;
        } else {
          must_park = true;
        }
        break;
      case enrolled::again:
      case enrolled::cancelled:
        if (self.word().claim_self(epoch_)) {
          result = e == enrolled::again ? outcome::again : outcome::cancelled;
        } else {
          must_park = true;
        }
        break;
      case enrolled::lost:
        break;
    }
    if (must_park) result = park(self, chosen);
    for (int i = 0; i < linked; ++i) at(i).withdraw(nodes_[i]);
    return result;
  }

  // While unwinding: a channel case, or else any.
  int complete_as_closed() noexcept {
    for (int i = 0; i < enabled_; ++i)
      if (at(i).due().is_never()) return complete_as_closed(i);
    return complete_as_closed(0);
  }

 private:
  select_case& at(int i) const noexcept { return *cases_[order_[i]]; }

  int complete_as_closed(int i) noexcept {
    at(i).complete_as_closed();
    return order_[i];
  }

  outcome park(parker& self, int& chosen) {
    deadline first;
    for (int i = 0; i < enabled_; ++i) first = std::min(first, at(i).due());
    switch (self.park(select_wait(cases_, count_), first)) {
      case wake_cause::peer:
        chosen = winner_->index;
        cases_[chosen]->completed(*winner_);
        return outcome::chosen;
      case wake_cause::timeout:
        // Some timer case is due now; the try pass takes one, at random.
        return outcome::again;
      case wake_cause::cancel:
        break;
    }
    return outcome::cancelled;
  }

  select_case** const cases_;
  wait_node* const nodes_;
  int* const order_;
  const int count_;
  int enabled_ = 0;
  wait_word::epoch_type epoch_ = 0;
  wait_node* winner_ = nullptr;
};

}  // namespace

int select_one(select_case** cases, std::byte* nodes, int* order, int count, bool has_otherwise) {
  selection s(cases, nodes, order, count);
  if (s.enabled() == 0) {
    if (has_otherwise) return -1;
    throw_misuse("select", "at least one case must be enabled",
                 fmt::format("{} cases, all disabled by when(false)", count), "Leave the loop, or add weir::otherwise.",
                 count > 0 ? cases[0]->where : site{});
  }
  using outcome = selection::outcome;
  for (;;) {
    int chosen = s.try_all();
    if (chosen < 0) {
      // A single look at a single source is a moment already.
      if (has_otherwise && (s.enabled() == 1 || planted(bug::skip_second_look))) return -1;
      const outcome o = s.register_and_park(has_otherwise, chosen);
      if (o == outcome::again) continue;
      if (o == outcome::none_ready) return -1;
      if (o == outcome::cancelled) {
        meet_cancel("select");
        return has_otherwise ? -1 : s.complete_as_closed();
      }
    }
    if (cases[chosen]->by_close) closed_or_cancelled("select");
    return chosen;
  }
}

}  // namespace weir::internal
