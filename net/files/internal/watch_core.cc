#include "weir/net/files/internal/watch_core.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "weir/net/error.h"
#include "weir/net/files/internal/file_call.h"
#include "weir/net/internal/as_net_error.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net {

const char* name_of(change_kind k) noexcept {
  switch (k) {
    case change_kind::created:
      return "created";
    case change_kind::removed:
      return "removed";
    case change_kind::moved_away:
      return "moved away";
    case change_kind::moved_here:
      return "moved here";
    case change_kind::modified:
      return "modified";
    case change_kind::written:
      return "written";
    case change_kind::attributes:
      return "attributes";
    case change_kind::gone:
      return "gone";
    case change_kind::lost:
      return "lost";
  }
  return "unknown";
}

namespace internal {
namespace {

namespace base = weir::internal;

constexpr std::uint32_t wanted = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE |
                                 IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

// Nothing: it says nothing that has not been said.
std::optional<change_kind> kind_of(std::uint32_t mask) noexcept {
  if (mask & IN_Q_OVERFLOW) return change_kind::lost;
  if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) return change_kind::gone;
  if (mask & IN_CREATE) return change_kind::created;
  if (mask & IN_DELETE) return change_kind::removed;
  if (mask & IN_MOVED_FROM) return change_kind::moved_away;
  if (mask & IN_MOVED_TO) return change_kind::moved_here;
  if (mask & IN_MODIFY) return change_kind::modified;
  if (mask & IN_CLOSE_WRITE) return change_kind::written;
  if (mask & IN_ATTRIB) return change_kind::attributes;
  return std::nullopt;
}

int new_inotify() {
  const int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd < 0) throw_errno("watch", "");
  return fd;
}

}  // namespace

watch_core::watch_core() : inotify_(new_inotify()) {}

void watch_core::add(const std::filesystem::path& path, deadline limit) {
  const std::string& name = path.native();
  file_call("watch", name, limit, [&](const call_limit&) {
    const base::descriptor::loan use(inotify_);
    if (!use) throw error(make_error_code(errc::closed), "watch", name);
    // Under the lock, so that no change comes before its path is known.
    std::lock_guard guard(mutex_);
    const int watch = inotify_add_watch(use.fd(), name.c_str(), wanted);
    if (watch < 0) throw_errno("watch", name);
    paths_[watch] = path;
  });
}

bool watch_core::remove(const std::filesystem::path& path) {
  const base::descriptor::loan use(inotify_);
  if (!use) return false;
  std::lock_guard guard(mutex_);
  for (auto at = paths_.begin(); at != paths_.end(); ++at) {
    if (at->second != path) continue;
    inotify_rm_watch(use.fd(), at->first);
    paths_.erase(at);  // what comes of it from now on has no path, and is dropped
    return true;
  }
  return false;
}

// False: nothing is there.
bool watch_core::read_now(base::descriptor::operation& op) {
  while (op.may_try()) {
    const ssize_t n = read(op.fd(), buffer_.data(), buffer_.size());
    if (n > 0) {
      parse(static_cast<std::size_t>(n));
      if (!ready_.empty()) return true;
    } else if (n < 0 && errno == EAGAIN) {
      op.would_block();
    } else if (n < 0 && errno != EINTR) {
      throw_errno("watch", "");
    }
  }
  return false;
}

void watch_core::parse(std::size_t size) {
  std::lock_guard guard(mutex_);
  for (std::size_t at = 0; at < size;) {
    inotify_event e;
    std::memcpy(&e, buffer_.data() + at, sizeof e);
    const char* const name = reinterpret_cast<const char*>(buffer_.data() + at + sizeof e);
    at += sizeof e + e.len;
    const std::optional<change_kind> kind = kind_of(e.mask);
    const auto of = paths_.find(e.wd);
    if (kind && (of != paths_.end() || *kind == change_kind::lost)) {
      change& c = ready_.emplace_back();
      c.kind = *kind;
      if (*kind != change_kind::lost) c.path = e.len > 0 ? of->second / name : of->second;
      c.directory = (e.mask & IN_ISDIR) != 0;
      c.move = e.cookie;
    }
    // A path that was renamed is watched on by the kernel, under a name that we do not know.
    if (of != paths_.end() && (e.mask & IN_MOVE_SELF)) {
      const base::descriptor::loan use(inotify_);
      if (use) inotify_rm_watch(use.fd(), e.wd);
    }
    if (of != paths_.end() && (e.mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED))) paths_.erase(of);
  }
}

std::optional<change> watch_core::take() {
  if (ready_.empty()) return std::nullopt;
  std::optional<change> first(std::move(ready_.front()));
  ready_.pop_front();
  return first;
}

bool watch_core::ready() {
  for (;;) {
    if (!ready_.empty()) return true;
    {
      base::descriptor::operation op(inotify_, base::direction::read, "watch", {});
      if (!op || read_now(op)) return true;
    }
    const base::plain_wait why("watch");
    if (!as_net_error(why, [&] { return inotify_.look(base::direction::read); })) return false;
  }
}

std::optional<change> watch_core::next(deadline limit, site where) {
  base::descriptor::operation op(inotify_, base::direction::read, "watch", where);
  while (op) {
    if (!ready_.empty() || read_now(op)) return take();
    const base::descriptor_wait why("watch", op.fd(), where);
    switch (as_net_error(why, [&] { return op.wait(why, limit); })) {
      case base::wait_result::ready:
        break;
      case base::wait_result::timeout:
        return std::nullopt;
      case base::wait_result::closed:
        base::closed_or_cancelled("watch");
        return std::nullopt;
      case base::wait_result::cancelled:
        base::meet_cancel("watch");
        return std::nullopt;
    }
  }
  base::closed_or_cancelled("watch");
  return std::nullopt;
}

}  // namespace internal
}  // namespace weir::net
