#include "weir/net/http/internal/connection_pool.h"

#include <algorithm>

namespace weir::net::http::internal {

std::optional<connection_pool::place> connection_pool::enter(const std::string& origin, deadline limit) {
  std::shared_ptr<host> of;
  {
    std::lock_guard guard(mutex_);
    std::shared_ptr<host>& found = hosts_[origin];
    if (!found) {
      found = std::make_shared<host>(limits_.per_host);
      of = found;
      forget_hosts();
    } else {
      of = found;
    }
  }
  if (!of->places.try_acquire() && !of->places.acquire(1, limit)) return {};
  return place(*this, std::move(of));
}

void connection_pool::place::use(bool now) noexcept {
  if (now != std::exchange(uses_, now)) now ? ++pool_->used_ : --pool_->used_;
}

void connection_pool::place::reset() noexcept {
  if (!host_) return;
  if (uses_) {
    std::lock_guard guard(pool_->mutex_);
    use(false);
  }
  std::exchange(host_, nullptr)->places.release();
}

std::unique_ptr<client_connection> connection_pool::place::take_idle() {
  std::list<idle> old, found;
  {
    std::lock_guard guard(pool_->mutex_);
    use(false);
    pool_->take_old(weir::internal::now(), old);
    if (!host_->idle_ones.empty()) {
      const auto at = host_->idle_ones.back();
      host_->idle_ones.pop_back();
      found.splice(found.end(), pool_->all_, at);
      use(true);
    }
  }
  if (found.empty()) return {};
  return std::move(found.front().kept);
}

void connection_pool::place::make_room() {
  std::list<idle> old;
  std::lock_guard guard(pool_->mutex_);  // goes before `old` does
  use(true);
  pool_->take_surplus(old);
}

void connection_pool::place::give_back(std::unique_ptr<client_connection> unused) {
  std::list<idle> old, mine;
  mine.push_back({host_, std::move(unused), weir::internal::now()});
  std::lock_guard guard(pool_->mutex_);  // goes before `old` does
  use(false);
  pool_->take_old(mine.front().since, old);
  host_->idle_ones.push_back(mine.begin());
  pool_->all_.splice(pool_->all_.end(), mine);
  pool_->take_surplus(old);
}

void connection_pool::take_old(weir::internal::time_point now, std::list<idle>& old) {
  while (!all_.empty() && now - all_.front().since >= limits_.idle_time) unlist_oldest(old);
}

void connection_pool::take_surplus(std::list<idle>& old) {
  while (!all_.empty() && all_.size() + used_ > limits_.connections) unlist_oldest(old);
}

void connection_pool::unlist_oldest(std::list<idle>& into) {
  std::vector<std::list<idle>::iterator>& its = all_.front().of->idle_ones;
  its.erase(its.begin());  // invariant 2: the oldest of all is the oldest of its host
  into.splice(into.end(), all_, all_.begin());
}

void connection_pool::forget_hosts() {
  if (hosts_.size() < look_at_) return;
  // Whoever has just been let in, or waits, refers to its host; and nobody gets another reference without the lock.
  std::erase_if(hosts_, [](const auto& entry) { return entry.second.use_count() <= 1; });
  look_at_ = std::max<std::size_t>(64, hosts_.size() * 2);
}

void connection_pool::close_idle() {
  std::list<idle> old;
  std::lock_guard guard(mutex_);
  while (!all_.empty()) unlist_oldest(old);
}

connection_pool::counts connection_pool::count() const {
  std::lock_guard guard(mutex_);
  counts now = counts_;
  now.idle = all_.size(), now.hosts = hosts_.size();
  return now;
}

}  // namespace weir::net::http::internal
