// Objects of higher layers that belong to a runtime: one of each type, made at its first use, gone with the runtime.
//
// Thread-safety: all of it. An object locks for itself; whoever keeps the pointer may outlive the runtime.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace weir::internal {

class extensions {
 public:
  template <class T>
  std::shared_ptr<T> get() {
    std::lock_guard guard(mutex_);
    for (const auto& [k, object] : objects_)
      if (k == &key<T>) return std::static_pointer_cast<T>(object);
    auto made = std::make_shared<T>();
    objects_.emplace_back(&key<T>, made);
    return made;
  }

 private:
  template <class T>
  static inline char key = 0;  // its address stands for T

  std::mutex mutex_;  // for a few instructions, and the making of T, which must not park
  std::vector<std::pair<const void*, std::shared_ptr<void>>> objects_;  // guarded by mutex_
};

}  // namespace weir::internal
