#include "weir/net/files/scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "weir/net/error.h"
#include "weir/net/files/internal/ask_info.h"
#include "weir/net/files/internal/file_call.h"

namespace weir::net {

using internal::call_limit;

std::string_view dir_entry::name() const noexcept {
  const std::string_view all = path.native();
  return all.substr(all.rfind('/') + 1);
}

// What is read in one go on the pool, and where it goes on.
class directory_scan::walk {
 public:
  walk(std::filesystem::path directory, scan_options options) : options_(options) {
    to_enter_.push_back({std::move(directory), -1, nullptr});
  }
  ~walk() { leave(); }

  dir_entry* next() {
    if (at_ == ready_.size()) {
      ready_.clear();
      at_ = 0;
      fill();
      if (ready_.empty()) return nullptr;
    }
    return &ready_[at_++];
  }

 private:
  // A directory that is being read, or was, with those around it: what a link must not lead to. Shared by what is in
  // it.
  struct place {
    std::uint64_t device, inode;
    std::shared_ptr<const place> around;
  };
  struct to_enter {
    std::filesystem::path path;
    int depth;  // its own; -1: the scanned one
    std::shared_ptr<const place> around;
  };

  void fill();
  bool read_some(const call_limit& limit);
  void enter(to_enter&& into);
  void leave() noexcept;
  void take(const dirent& found);
  void fail(std::filesystem::path path, int depth, int code);

  static constexpr std::size_t batch = 256;

  const scan_options options_;
  std::vector<to_enter> to_enter_;  // taken from the end
  DIR* open_ = nullptr;
  std::filesystem::path path_;  // of the present directory, as is:
  int depth_ = 0;               // of what is in it
  std::shared_ptr<const place> place_;
  std::vector<dir_entry> ready_;
  std::size_t at_ = 0;
};

void directory_scan::walk::fill() {
  if (open_ == nullptr && to_enter_.empty()) return;
  const std::string where = open_ != nullptr ? path_.native() : to_enter_.back().path.native();
  const bool all =
      internal::file_call("scan", where, options_.limit, [&](const call_limit& l) { return read_some(l); });
  if (!all && ready_.empty()) internal::throw_cut("scan", where);
}

// Reads until there is a batch, or nothing more. False: it was cut short.
bool directory_scan::walk::read_some(const call_limit& limit) {
  while (ready_.size() < batch) {
    if (open_ == nullptr) {
      if (to_enter_.empty()) return true;
      to_enter next = std::move(to_enter_.back());
      to_enter_.pop_back();
      enter(std::move(next));
      continue;
    }
    errno = 0;
    const dirent* const found = readdir(open_);
    if (found != nullptr) {
      take(*found);
    } else {
      // A directory that cannot be read to its end is told as one that cannot be entered.
      if (errno != 0) fail(path_, depth_ - 1, errno);
      leave();
    }
    if (limit.over()) return false;
  }
  return true;
}

void directory_scan::walk::enter(to_enter&& into) {
  const bool scanned = into.depth < 0;
  const int follow = options_.follow_links || scanned ? 0 : O_NOFOLLOW;
  const int fd = ::open(into.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | follow);
  file_info about;
  int code = fd < 0 ? errno : internal::ask_info(fd, "", AT_EMPTY_PATH, about);
  for (const place* p = into.around.get(); p != nullptr && code == 0; p = p->around.get())
    if (p->device == about.device && p->inode == about.inode) code = ELOOP;
  if (code == 0 && (open_ = fdopendir(fd)) == nullptr) code = errno;
  if (code != 0) {
    if (fd >= 0) ::close(fd);
    if (scanned) throw error(code, "scan", into.path.native());
    fail(std::move(into.path), into.depth, code);
    return;
  }
  place_ = std::make_shared<const place>(place{about.device, about.inode, std::move(into.around)});
  path_ = std::move(into.path);
  depth_ = into.depth + 1;
}

void directory_scan::walk::leave() noexcept {
  if (open_ != nullptr) closedir(std::exchange(open_, nullptr));
}

void directory_scan::walk::take(const dirent& found) {
  if (std::strcmp(found.d_name, ".") == 0 || std::strcmp(found.d_name, "..") == 0) return;
  dir_entry& e = ready_.emplace_back();
  e.path = path_ / found.d_name;
  e.kind = internal::kind_of_entry(found.d_type);
  e.depth = depth_;
  const bool link = e.kind == file_kind::link;
  if (options_.info || e.kind == file_kind::unknown || (link && options_.follow_links)) {
    const int flags = options_.follow_links ? 0 : AT_SYMLINK_NOFOLLOW;
    int code = internal::ask_info(dirfd(open_), found.d_name, flags, e.info);
    // A link that leads nowhere is told as the link it is.
    if (code != 0 && options_.follow_links)
      code = internal::ask_info(dirfd(open_), found.d_name, AT_SYMLINK_NOFOLLOW, e.info) != 0 ? code : 0;
    if (code == 0)
      e.kind = e.info.kind;
    else
      e.failure = std::error_code(code, std::system_category());
    if (!options_.info) e.info = {};
  }
  if (options_.recursive && e.kind == file_kind::directory && !e.failure && depth_ < options_.deepest)
    to_enter_.push_back({e.path, depth_, place_});
}

void directory_scan::walk::fail(std::filesystem::path path, int depth, int code) {
  dir_entry& e = ready_.emplace_back();
  e.path = std::move(path);
  e.kind = file_kind::directory;
  e.depth = depth;
  e.failure = std::error_code(code, std::system_category());
}

directory_scan::directory_scan(std::filesystem::path directory, scan_options options)
    : walk_(std::make_unique<walk>(std::move(directory), options)) {}
directory_scan::directory_scan(directory_scan&&) noexcept = default;
directory_scan::~directory_scan() = default;

dir_entry* directory_scan::next() { return walk_->next(); }

}  // namespace weir::net
