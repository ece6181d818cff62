// Unix sockets: connections within this machine, at a path or under an abstract name ("@name", which is no file and
// goes with its owner).
//   local_listener("/run/x.sock")   for (auto& conn : listener) ...
//   local_connect("@name")          a local_stream
//   local_pair()                    two that are each other's peer
// Datagrams: datagram.h.
//
// Thread-safety: as stream.h and listener.h.
#pragma once

#include <sys/types.h>

#include <string_view>
#include <utility>

#include "weir/net/listener.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net {

// Who the peer was when it connected.
struct credentials {
  pid_t process;
  uid_t user;
  gid_t group;
};

class local_stream : public stream {
 public:
  local_stream() = default;  // refers to none
  explicit local_stream(internal::socket_stream* adopted) noexcept : stream(adopted) {}

  // As the kernel knows it, so it cannot be made up. Throws net::error if the stream is closed.
  credentials peer(site where = site::current()) const;
};

struct local_listen_options {
  // As tcp_listen_options.
  int backlog = 4096;
  // A socket file that nobody listens on, left behind by a process that was killed, is replaced. One that somebody
  // listens on never is. Of several listeners of weir's that start at the same path at once, one gets it: they take
  // turns by flock(2) of the folder. That is no promise where it cannot be locked, as it is not readable, or somebody
  // else keeps it locked for longer than a second.
  bool replace_stale = true;
};

class local_listener : public basic_listener<local_stream> {
 public:
  local_listener() = default;  // refers to none
  // Listens at "/run/x", "./x" or "@name". The file is removed by close(), or when the last handle goes, if it is still
  // this listener's. Parks only while another one starts in the same folder, or somebody else keeps that locked: for a
  // second at most, whatever is cancelled. Throws bad_endpoint, net::error.
  explicit local_listener(std::string_view at, const local_listen_options& options = {});

  // Another handle to the same listener.
  local_listener share(site where = site::current()) const;

 private:
  explicit local_listener(std::shared_ptr<internal::acceptor> core) noexcept : basic_listener(std::move(core)) {}
};

// Connects. Parks only while the listener's queue is full, at most until `limit`; a cancel throws weir::cancelled.
// Throws bad_endpoint, net::error: no such file, refused, timeout. Allocates.
local_stream local_connect(std::string_view to, deadline limit = {});

// Does not park. Throws net::error.
std::pair<local_stream, local_stream> local_pair();

}  // namespace weir::net
