// Answers by name, each as long as it is good, of a bounded number of names: the one not asked for the longest goes.
//
// Thread-safety: all of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "weir/net/dns/internal/answer.h"
#include "weir/runtime/base/clock.h"

namespace weir::net::internal {

class answer_cache {
 public:
  explicit answer_cache(std::size_t most) noexcept : most_(most) {}

  std::optional<answer> find(const std::string& name);
  // Nothing, if it is good for no time.
  void put(const std::string& name, const answer& a);
  void clear();
  std::size_t size();

 private:
  struct entry {
    std::string name;
    answer value;
    weir::internal::time_point until;
  };
  using entries = std::list<entry>;

  const std::size_t most_;
  std::mutex mutex_;
  entries recent_;  // the one asked for last comes first; guarded by mutex_, as is:
  std::unordered_map<std::string_view, entries::iterator> by_name_;  // the names are the entries'
};

}  // namespace weir::net::internal
