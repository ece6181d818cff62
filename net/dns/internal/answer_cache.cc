#include "weir/net/dns/internal/answer_cache.h"

namespace weir::net::internal {

std::optional<answer> answer_cache::find(const std::string& name) {
  std::lock_guard guard(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  const entries::iterator at = found->second;
  if (weir::internal::now() >= at->until) {
    by_name_.erase(found);
    recent_.erase(at);
    return std::nullopt;
  }
  recent_.splice(recent_.begin(), recent_, at);
  return at->value;
}

void answer_cache::put(const std::string& name, const answer& a) {
  if (most_ == 0 || a.good_for <= std::chrono::seconds::zero()) return;
  std::lock_guard guard(mutex_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    const entries::iterator old = found->second;
    by_name_.erase(found);
    recent_.erase(old);
  }
  if (recent_.size() == most_) {
    by_name_.erase(recent_.back().name);
    recent_.pop_back();
  }
  recent_.push_front({name, a, weir::internal::now() + a.good_for});
  by_name_.emplace(recent_.front().name, recent_.begin());
}

void answer_cache::clear() {
  std::lock_guard guard(mutex_);
  by_name_.clear();
  recent_.clear();
}

std::size_t answer_cache::size() {
  std::lock_guard guard(mutex_);
  return recent_.size();
}

}  // namespace weir::net::internal
