// inproc: the names of a runtime, and connections within it.
//   inproc_names    which socket is bound to which name, and who waits for one
//   link            moves messages between the pipes of two sockets, until one of them is over
//
// Thread-safety: inproc_names: all of it. link parks; a cancel ends it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "weir/channels/watch.h"
#include "weir/net/socket/internal/socket_core.h"

namespace weir::net::internal {

class inproc_names {
 public:
  inproc_names();
  // False: the name is taken.
  bool add(const std::string& name, const std::shared_ptr<socket_core>& of);
  void remove(const std::string& name);
  std::shared_ptr<socket_core> find(const std::string& name);
  // Changes whenever a name is added.
  watch_receiver<std::uint64_t> changes() { return changed_.subscribe(); }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<socket_core>> names_;  // guarded by mutex_
  watch_sender<std::uint64_t> changed_;
};

// Of the runtime of `of`.
std::shared_ptr<inproc_names> names_of(const socket_core& of);

// `p`: of `from`, which connects to that name of `to`. True: they were connected for a while.
bool link(socket_core& from, const std::shared_ptr<pipe>& p, socket_core& to, const std::string& name,
          const std::string& address);

}  // namespace weir::net::internal
