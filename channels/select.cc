// The select protocol, without types.
//
//   1. Try each enabled case that may be ready, in random order; lower classes before higher ones.
//   2. Open the claim and register all enabled cases one by one, in random order, lower classes first. Each
//      registration looks again at its source; what is ready by then completes at once, if the select still wins its
//      own claim. This is also the second look before `otherwise`: when all are registered and nobody has claimed,
//      there was a moment at which no case was ready. So the hints of step 1, which are looks without a lock, decide
//      nothing.
//   3. Park, at most until the first timer case is due.
//   4. Withdraw what was not unlinked by the winner. Only then does the caller run the chosen body, with nothing
//      registered. A case that finds that it was woken for too little says so now, and all begins anew.
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
  void add_targets(std::vector<wait_target>& out) const override {
    for (int i = 0; i < count_; ++i)
      if (cases_[i]->enabled) cases_[i]->add_targets(out);
  }
  site where() const noexcept override { return cases_[0]->where; }

 private:
  select_case** const cases_;
  const int count_;
};

// Tries order[0 .. count) in random order; what was tried is out of it. The index of the case that was ready, or -1.
int try_any(select_case** cases, int* order, int& count) {
  while (count > 1) {
    // The thread's own anew each time: an actor that meets others at a source's lock may go on on another thread.
    int& place = order[thread_random().below(static_cast<std::uint32_t>(count))];
    const int drawn = std::exchange(place, order[--count]);
    if (cases[drawn]->try_now()) return drawn;
  }
  if (count == 0) return -1;
  count = 0;
  return cases[order[0]]->try_now() ? order[0] : -1;
}

// Calls each(begin, end) for the places of each class in order[0 .. count), lower classes first, until it says true.
template <class Each>
void for_classes(select_case** cases, int* order, int count, Each each) {
  std::sort(order, order + count, [cases](int a, int b) { return cases[a]->urgency < cases[b]->urgency; });
  for (int begin = 0, end; begin < count; begin = end) {
    end = begin + 1;
    while (end < count && cases[order[end]]->urgency == cases[order[begin]]->urgency) ++end;
    if (each(begin, end)) return;
  }
}

// The part of a select that finds nothing ready. order_[0 .. enabled_) are the enabled cases. Nodes are made when they
// are registered, nodes_[i] for the case order_[i].
class selection {
 public:
  selection(select_case** cases, std::byte* nodes, int* order, int count, bool classes)
      : cases_(cases), nodes_(reinterpret_cast<wait_node*>(nodes)), order_(order), count_(count), classes_(classes) {
    list();
  }

  int enabled() const noexcept { return enabled_; }

  // Tries all, whether they may be ready or not.
  int try_enabled() {
    const int chosen = try_cases(cases_, order_, enabled_, classes_);
    if (chosen < 0) list();
    return chosen;
  }

  enum class outcome : std::uint8_t { chosen, none_ready, again, cancelled };

  // Registers, and parks unless `only_look`. Withdraws in every case.
  outcome register_and_park(bool only_look, interruptible may_cancel, int& chosen) {
    parker& self = current_parker();
    const auto opened = self.begin_wait(only_look ? interruptible::no : may_cancel);
    if (opened.cancelled) return outcome::cancelled;
    epoch_ = opened.epoch;
    winner_ = nullptr;

    shuffle();
    int linked = 0;
    enrolled e = enrolled::waiting;
    for (; linked < enabled_ && e == enrolled::waiting; ++linked) {
      wait_node& n = *::new (static_cast<void*>(nodes_ + linked)) wait_node(self, epoch_);
      n.index = order_[linked];
      n.winner = &winner_;
      at(linked).by_close = false;
      e = at(linked).enroll(n);
    }

    outcome result = outcome::chosen;
    bool must_park = e == enrolled::lost;
    switch (e) {
      case enrolled::done:
        chosen = order_[linked - 1];
        break;
      case enrolled::waiting:
        // All stand in their lists, and nobody has completed one: with `otherwise`, this is the moment, unless a timer
        // has come due since it was tried, which stands in no list.
        if (only_look && self.word().claim_self(epoch_)) {
          result = first_due().expired() ? outcome::again : outcome::none_ready;
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

  // While unwinding: which case goes, though nothing has come; -1: none, the wait goes on.
  int complete_as_closed() noexcept {
    for (const auto kind : {select_case::unwinding::as_closed, select_case::unwinding::as_come})
      for (int i = 0; i < enabled_; ++i)
        if (at(i).while_unwinding() == kind) {
          at(i).complete_as_closed();
          return order_[i];
        }
    return -1;
  }

 private:
  select_case& at(int i) const noexcept { return *cases_[order_[i]]; }

  void list() noexcept {
    enabled_ = 0;
    for (int i = 0; i < count_; ++i)
      if (cases_[i]->enabled) order_[enabled_++] = i;
  }

  // Random order, lower classes first.
  void shuffle() {
    if (enabled_ < 2) return;
    const auto mix = [this](int begin, int end) {
      random_source& random = thread_random();
      for (; end - begin > 1; --end)
        std::swap(order_[begin + static_cast<int>(random.below(static_cast<std::uint32_t>(end - begin)))],
                  order_[end - 1]);
      return false;
    };
    if (classes_)
      for_classes(cases_, order_, enabled_, mix);
    else
      mix(0, enabled_);
  }

  deadline first_due() const noexcept {
    deadline first;
    for (int i = 0; i < enabled_; ++i) first = std::min(first, at(i).due());
    return first;
  }

  outcome park(parker& self, int& chosen) {
    switch (self.park(select_wait(cases_, count_), first_due())) {
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
  const bool classes_;
  int enabled_ = 0;
  wait_word::epoch_type epoch_ = 0;
  wait_node* winner_ = nullptr;
};

// What `otherwise` is for.
int none_ready() {
  spend_operation();
  return -1;
}

}  // namespace

int try_cases(select_case** cases, int* order, int& hopeful, bool classes) {
  if (!classes) return try_any(cases, order, hopeful);
  int chosen = -1;
  for_classes(cases, order, std::exchange(hopeful, 0), [&](int begin, int end) {
    int count = end - begin;
    chosen = try_any(cases, order + begin, count);
    return chosen >= 0;
  });
  return chosen;
}

int await_case(select_case** cases, std::byte* nodes, int* order, int count, select_traits traits, site where) {
  selection s(cases, nodes, order, count, traits.classes);
  if (s.enabled() == 0) {
    if (traits.has_otherwise) return none_ready();
    throw_misuse("select", "at least one case must be enabled",
                 fmt::format("{} cases{}", count, count > 0 ? ", all disabled by when(false)" : ""),
                 "Leave the loop, or add weir::otherwise.", where);
  }
  // A single look, under its lock, at a single source is a moment already.
  if (traits.has_otherwise && (s.enabled() == 1 || planted(bug::skip_second_look))) {
    const int chosen = s.try_enabled();
    return chosen >= 0 ? chosen : none_ready();
  }
  using outcome = selection::outcome;
  interruptible may_cancel = interruptible::yes;
  for (int chosen = -1;;) {
    switch (s.register_and_park(traits.has_otherwise, may_cancel, chosen)) {
      case outcome::chosen:
        if (cases[chosen]->confirm()) return chosen;
        chosen = s.try_enabled();
        if (chosen >= 0) return chosen;
        break;
      case outcome::none_ready:
        return none_ready();
      case outcome::again:
        chosen = s.try_enabled();
        if (chosen >= 0) return chosen;
        break;
      case outcome::cancelled:
        meet_cancel("select");
        if (traits.has_otherwise) return -1;
        chosen = s.complete_as_closed();
        if (chosen >= 0) return chosen;
        may_cancel = interruptible::no;
        break;
    }
  }
}

void settle(const select_case& chosen) {
  if (!chosen.spends) spend_operation();
  if (chosen.by_close) closed_or_cancelled("select");
}

int select_one(select_case** cases, std::byte* nodes, int* order, int count, int hopeful, select_traits traits) {
  int chosen = try_cases(cases, order, hopeful, traits.classes);
  if (chosen < 0) chosen = await_case(cases, nodes, order, count, traits, count > 0 ? cases[0]->where : site{});
  if (chosen >= 0) settle(*cases[chosen]);
  return chosen;
}

std::uint8_t checked_priority(int n, site where) {
  if (n < 0 || n > 255)
    throw_misuse("select", "the priority of a case must be 0..255", std::to_string(n), "0 goes first.", where);
  return static_cast<std::uint8_t>(n);
}

}  // namespace weir::internal
