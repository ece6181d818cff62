// weir::net::scan: what is in a directory, as a range.
//   for (weir::net::dir_entry& e : weir::net::scan("/usr/share/doc", {.recursive = true})) ...
//
// Thread-safety: one actor at a time for each range.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string_view>
#include <system_error>

#include "weir/net/files/file_info.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net {

struct dir_entry {
  std::filesystem::path path;  // the scanned one, and on from there
  file_kind kind = file_kind::unknown;
  int depth = 0;  // 0: in the scanned directory itself
  // With scan_options.info, if the entry was still there.
  file_info info = {};
  // What went wrong with this entry alone: no permission to look into the directory, gone meanwhile (ENOENT), a link
  // that leads back to a directory around it (ELOOP). The scan goes on.
  std::error_code failure = {};

  std::string_view name() const noexcept;
};

struct scan_options {
  // Directories inside, too: each is told before what is in it. What is in one comes together, not mixed with others.
  bool recursive = false;
  // Goes into directories that symbolic links lead to, and tells of a link what it leads to. Never into one it is in
  // already. One that two links lead to is told twice.
  bool follow_links = false;
  // Fills in dir_entry.info: one more call of the kernel for each entry.
  bool info = false;
  // Directories that deep are told and not entered; guards against what nobody meant to have.
  int deepest = 1000;
  // For the whole scan.
  deadline limit = {};
};

class directory_scan {
 public:
  directory_scan(std::filesystem::path directory, scan_options options);
  directory_scan(directory_scan&&) noexcept;
  ~directory_scan();

  // The next entry, in the file system's order; null after the last. The entry is the caller's until the next call, and
  // may be moved from. A directory inside that cannot be entered is told a second time, with what failed.
  //
  // Parks, once in a while, while a thread of the blocking pool reads on, some 256 entries at a time; its end wakes.
  // The deadline throws net::error (errc::timeout), a cancel weir::cancelled, before the reading has begun or after the
  // present entry; what was read is not lost, and the next call goes on. A call that a fast directory answers from what
  // was read does not park. One open descriptor, whatever the depth; allocates for what it reads. Throws net::error
  // (ENOENT, ENOTDIR, EACCES) if the scanned directory itself cannot be read, actor_cancelled as blocking().
  dir_entry* next();

  class iterator {
   public:
    using value_type = dir_entry;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    iterator() = default;
    explicit iterator(directory_scan& of) : of_(&of), entry_(of.next()) {}
    dir_entry& operator*() const noexcept { return *entry_; }
    dir_entry* operator->() const noexcept { return entry_; }
    iterator& operator++() {
      entry_ = of_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& a, std::default_sentinel_t) noexcept { return a.entry_ == nullptr; }

   private:
    directory_scan* of_ = nullptr;
    dir_entry* entry_ = nullptr;
  };
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  class walk;
  std::unique_ptr<walk> walk_;
};

inline directory_scan scan(std::filesystem::path directory, scan_options options = {}) {
  return directory_scan(std::move(directory), options);
}

}  // namespace weir::net
