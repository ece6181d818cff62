#include "weir/runtime/internal/timer_heap.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>

namespace weir::internal {
namespace {
constexpr std::size_t arity = 4;
}

void timer_heap::place(std::size_t index, entry e) noexcept {
  entries_[index] = e;
  e.node->position = index + 1;
}

void timer_heap::sift_up(std::size_t index, entry e) noexcept {
  while (index > 0) {
    const std::size_t parent = (index - 1) / arity;
    if (entries_[parent].at <= e.at) break;
    place(index, entries_[parent]);
    index = parent;
  }
  place(index, e);
}

void timer_heap::sift_down(std::size_t index, entry e) noexcept {
  for (;;) {
    const std::size_t first = index * arity + 1;
    if (first >= entries_.size()) break;
    const std::size_t last = std::min(first + arity, entries_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < last; ++child)
      if (entries_[child].at < entries_[least].at) least = child;
    if (e.at <= entries_[least].at) break;
    place(index, entries_[least]);
    index = least;
  }
  place(index, e);
}

void timer_heap::erase(std::size_t index) noexcept {
  entries_[index].node->position = 0;
  const entry last = entries_.back();
  entries_.pop_back();
  if (index == entries_.size()) return;
  if (index > 0 && last.at < entries_[(index - 1) / arity].at)
    sift_up(index, last);
  else
    sift_down(index, last);
}

void timer_heap::insert(timer_node& node, time_point at) noexcept {
  std::lock_guard guard(lock_);
  try {
    entries_.push_back({at, &node});
  } catch (const std::bad_alloc&) {
    std::fprintf(
        stderr,
        "weir: no memory for one more deadline, beside %zu on this worker. Who waits is registered already, and "
        "would wait without it, so the process ends. Let fewer actors wait with a deadline at once, or raise "
        "the memory limit.\n",
        entries_.size());
    std::abort();
  }
  node.heap = this;
  sift_up(entries_.size() - 1, {at, &node});
}

void timer_heap::remove(timer_node& node) noexcept {
  std::lock_guard guard(lock_);
  if (node.position != 0) erase(node.position - 1);
}

std::size_t timer_heap::expire(time_point now) noexcept {
  timer_node* due = nullptr;
  std::size_t count = 0;
  {
    std::lock_guard guard(lock_);
    timer_node** end = &due;
    while (!entries_.empty() && entries_.front().at <= now) {
      timer_node* const node = entries_.front().node;
      erase(0);
      // The owner registered everywhere before it parked, so it is not tentative: won or lost, never busy.
      if (node->owner->word().try_claim(node->epoch, wake_cause::timeout) != claim_result::won) continue;
      node->next = nullptr;
      *end = node;
      end = &node->next;
      ++count;
    }
  }
  while (due != nullptr) {
    timer_node* const next = due->next;  // the node is its owner's, which the wake sets free
    due->owner->wake();
    due = next;
  }
  return count;
}

time_point timer_heap::next() noexcept {
  std::lock_guard guard(lock_);
  return entries_.empty() ? time_point::max() : entries_.front().at;
}

}  // namespace weir::internal
