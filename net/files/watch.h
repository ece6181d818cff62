// weir::net::watcher: what changes in a directory, or to a file.
//   weir::net::watcher w("/etc");
//   while (auto c = w.next()) ...
//   weir::select(weir::net::on_change(w, [](std::optional<weir::net::change> c) { ... }), ...)
//
// Thread-safety: one actor at a time waits for changes; add(), remove() and close() from any beside it.
//
// What it sees is what this machine's kernel does (inotify(7)): not what others do on a network file system, not writes
// through a mapping, and not what is in directories inside.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/internal/source_case.h"
#include "weir/net/files/change.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net {

namespace internal {

class watch_core;

// `change` for select: README of channels, "Adding an event source".
struct change_source {
  static constexpr auto unwinding = weir::internal::select_case::unwinding::as_come;
  watch_core* of;
  bool may_be_ready() const noexcept { return true; }
  bool try_now();
  weir::internal::enrolled enroll(weir::internal::wait_node& node);
  void withdraw(weir::internal::wait_node& node) noexcept;
  std::string describe() const;
};
std::optional<change> take_change(watch_core& from);

}  // namespace internal

class watcher {
 public:
  // Of nothing yet. Throws net::error (EMFILE: fs.inotify.max_user_instances, or descriptors).
  watcher();
  // Watches `path`; see add().
  explicit watcher(const std::filesystem::path& path, deadline limit = {});
  watcher(watcher&&) noexcept;
  watcher& operator=(watcher&&) noexcept;
  ~watcher();

  // Watches a directory's entries, or a file. A symbolic link is followed. The same path twice counts once; two paths
  // of one file are one watch, under the path given last. Parks while a thread of the blocking pool looks the path up;
  // a cancel and the deadline count until that has begun, as stat's. Throws net::error (ENOENT, EACCES, ENOSPC:
  // fs.inotify.max_user_watches).
  void add(const std::filesystem::path& path, deadline limit = {});
  // Not any more; changes from before may still come. False: it was not watched. Does not park.
  bool remove(const std::filesystem::path& path);

  // The next change, in the order in which they happened. Parks until there is one: the kernel wakes. Empty at the
  // deadline, and once it is closed (see is_open()). A cancel throws weir::cancelled, or is as close() while the caller
  // unwinds; no change is lost by it. Misuse: a second actor waits. Allocates the path.
  std::optional<change> next(deadline limit = {}, site where = site::current());

  // Ends it, and next() of another actor. Idempotent, does not park.
  void close() noexcept;
  bool is_open() const noexcept;

  class iterator {
   public:
    using value_type = change;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    iterator() = default;
    explicit iterator(watcher& of) : of_(&of), present_(of.next()) {}
    change& operator*() const noexcept { return *present_; }
    change* operator->() const noexcept { return &*present_; }
    iterator& operator++() {
      present_ = of_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& a, std::default_sentinel_t) noexcept { return !a.present_; }

   private:
    watcher* of_ = nullptr;
    mutable std::optional<change> present_;
  };
  // Until it is closed.
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  internal::watch_core& core() const noexcept { return *core_; }

 private:
  std::unique_ptr<internal::watch_core> core_;
};

// A case of select: ready when there is a change, or the watcher is closed. The body gets the change; nothing if it is
// closed, if the actor unwinds, or, seldom, if the kernel called for nothing: is_open() tells.
template <class Body>
auto on_change(watcher& of, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, std::optional<change>>,
                "weir::net::on_change: the body takes a std::optional<weir::net::change>");
  auto take = [core = &of.core(), b = std::move(body)]() mutable {
    return std::invoke(b, internal::take_change(*core));
  };
  return weir::internal::source_case<internal::change_source, decltype(take)>({&of.core()}, std::move(take), where);
}

}  // namespace weir::net
