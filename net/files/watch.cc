#include "weir/net/files/watch.h"

#include "weir/net/files/internal/watch_core.h"

namespace weir::net {
namespace internal {

namespace base = weir::internal;

bool change_source::try_now() { return of->ready(); }
base::enrolled change_source::enroll(base::wait_node& node) {
  return of->descriptor().enroll(base::direction::read, node);
}
void change_source::withdraw(base::wait_node& node) noexcept { of->descriptor().withdraw(base::direction::read, node); }
std::string change_source::describe() const { return of->describe(); }

std::optional<change> take_change(watch_core& from) { return from.ready() ? from.take() : std::nullopt; }

}  // namespace internal

watcher::watcher() : core_(std::make_unique<internal::watch_core>()) {}
watcher::watcher(const std::filesystem::path& path, deadline limit) : watcher() { add(path, limit); }
watcher::watcher(watcher&&) noexcept = default;
watcher& watcher::operator=(watcher&&) noexcept = default;
watcher::~watcher() = default;

void watcher::add(const std::filesystem::path& path, deadline limit) { core_->add(path, limit); }
bool watcher::remove(const std::filesystem::path& path) { return core_->remove(path); }
std::optional<change> watcher::next(deadline limit, site where) { return core_->next(limit, where); }
void watcher::close() noexcept { core_->close(); }
bool watcher::is_open() const noexcept { return core_->is_open(); }

}  // namespace weir::net
