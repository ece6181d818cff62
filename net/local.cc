#include "weir/net/local.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "weir/net/endpoint.h"
#include "weir/net/error.h"
#include "weir/net/internal/socket.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/this_actor.h"

namespace weir::net {
namespace internal {
namespace {

endpoint local_endpoint(std::string_view text) {
  endpoint e = endpoint::parse(text);
  if (e.over != transport::local) throw bad_endpoint(text, "\"/PATH\", \"./PATH\" or \"@NAME\"", e.text(), 1);
  return e;
}

bool is_abstract(const std::string& path) { return path.starts_with('@'); }

// A listener that was killed leaves its file behind, to which nobody can connect.
bool is_stale(const std::string& path, const address& at) {
  struct stat about {};
  if (is_abstract(path) || lstat(path.c_str(), &about) != 0 || !S_ISSOCK(about.st_mode)) return false;
  const owned_fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe && connect(probe.get(), at.data(), at.size()) != 0 && errno == ECONNREFUSED;
}

// Lets one of weir's programs at a time start a listener in a folder. Else two might take the same file for stale, or
// one for stale that is bound and about to listen. It needs no permission to write. Anybody who can read the folder may
// lock it as well, and keep it so: hence the patience.
class folder_lock {
 public:
  explicit folder_lock(const std::string& path) {
    using namespace std::chrono_literals;
    if (is_abstract(path)) return;
    const std::string folder = std::filesystem::path(path).parent_path();
    fd_ = owned_fd(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const deadline patience = 1s;
    while (fd_ && flock(fd_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK && !patience.expired())
      weir::shielded([] { this_actor::sleep(1ms); });
  }
  folder_lock(const folder_lock&) = delete;
  ~folder_lock() {
    if (fd_) flock(fd_.get(), LOCK_UN);  // a child of fork() may have the descriptor, too, so to close it is not enough
  }

 private:
  owned_fd fd_;
};

// The file of a listener goes with it, unless another has taken its place.
class file_of_listener final : public acceptor {
 public:
  file_of_listener(owned_fd fd, const std::string& path) : acceptor(std::move(fd), transport::local) {
    struct stat about {};
    if (is_abstract(path) || lstat(path.c_str(), &about) != 0) return;
    path_ = path;
    device_ = about.st_dev;
    inode_ = about.st_ino;
  }
  ~file_of_listener() override { remove_file(); }

  void close() noexcept override {
    remove_file();
    acceptor::close();
  }

 private:
  // While the socket is open: so nobody takes the file for stale and puts his own there between the look and the end of
  // it, nor has another file got its number.
  void remove_file() noexcept {
    std::lock_guard guard(mutex_);
    struct stat about {};
    if (!path_.empty() && lstat(path_.c_str(), &about) == 0 && about.st_dev == device_ && about.st_ino == inode_)
      unlink(path_.c_str());
    path_.clear();
  }

  std::mutex mutex_;  // never held over a park
  std::string path_;  // guarded by mutex_; empty: there is none any more
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

std::shared_ptr<acceptor> listen_local(std::string_view text, const local_listen_options& o) {
  const endpoint e = local_endpoint(text);
  const address at = *e.numeric();
  const folder_lock alone(e.host);
  if (o.replace_stale && is_stale(e.host, at)) unlink(e.host.c_str());
  return std::make_shared<file_of_listener>(listen_socket(at, transport::local, {o.backlog, false, false, false}),
                                            e.host);
}

}  // namespace
}  // namespace internal

credentials local_stream::peer(site where) const {
  const auto& s = static_cast<internal::socket_stream&>(core("peer", where));
  const weir::internal::descriptor::loan use(s.fd());
  if (!use) throw error(errc::closed, "getsockopt", s.name());
  ucred who{};
  socklen_t size = sizeof who;
  if (getsockopt(use.fd(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) throw_errno("getsockopt", s.name());
  return {who.pid, who.uid, who.gid};
}

local_listener::local_listener(std::string_view at, const local_listen_options& options)
    : basic_listener(internal::listen_local(at, options)) {}

local_listener local_listener::share(site where) const {
  get("share", where);
  return local_listener(shared());
}

local_stream local_connect(std::string_view to, deadline limit) {
  const address at = *internal::local_endpoint(to).numeric();
  const std::string name = text_of(transport::local, at);
  auto watched = internal::watch_socket(internal::open_socket(AF_UNIX, SOCK_STREAM, "connect", name), transport::local);
  internal::connect_socket(watched, at, name, limit);
  return local_stream(new internal::socket_stream(std::move(watched), transport::local, at));
}

std::pair<local_stream, local_stream> local_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("socketpair", "");
  internal::owned_fd a(ends[0]), b(ends[1]);
  const address none = address::of_socket(a.get());
  local_stream first(internal::make_socket_stream(std::move(a), transport::local, none));
  local_stream second(internal::make_socket_stream(std::move(b), transport::local, none));
  return {std::move(first), std::move(second)};
}

}  // namespace weir::net
