// weir::net::process: a child process, with its standard streams, its end as an event, and nothing left when the handle
// goes.
//   weir::net::process p({.program = "sort", .input = stdio::pipe(), .output = stdio::pipe()});
//   p.input().write_all("b\na\n"), p.input().close();
//   ... p.output().read_until(line, "\n") ...
//   if (!p.wait()->ok()) ...
//
// Thread-safety: all calls but construction, move and destruction; any number of actors and threads may wait for the
// end. The streams: as net/stream.h says.
//
// The child starts with default dispositions of all signals, an empty mask, and no descriptor of this process but the
// three it was given. Nobody else may reap it: a program that ignores SIGCHLD, or calls wait() for whatever comes,
// loses the exit status, and wait() throws net::error (ECHILD), or the constructor does if the child has ended by then.
//
// Linux 5.3 or later: it has pidfd_open.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/on_fd.h"
#include "weir/net/process/exit_status.h"
#include "weir/net/process/process_spec.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/fd_event.h"
#include "weir/runtime/base/site.h"

namespace weir::net {

class process {
 public:
  // Starts it. Parks while a thread of the blocking pool does so, until the program has taken over the child, or could
  // not; that wakes. Before it has begun a cancel throws weir::cancelled (actor_cancelled while the caller unwinds),
  // the deadline net::error (errc::timeout), and nothing was started; afterwards both wait. Throws net::error: "spawn
  // nosuch: no such file or directory (ENOENT)"; EACCES: not executable; ENOEXEC: of no known kind (a script without
  // "#!"); E2BIG, EMFILE, EAGAIN. Allocates.
  explicit process(process_spec spec, deadline limit = {}, site where = site::current());
  process(process&&) noexcept;
  process& operator=(process&&) noexcept;
  // terminate(), whatever has been cancelled, then closes its streams. So the child does not outlive the scope that has
  // the handle, and no zombie stays. Parks as long as that takes: up to the grace, for one that does not listen. What a
  // child has started itself goes with it only with process_spec.own_group. One that cannot be waited for, as there is
  // no memory or descriptor left, is killed at once. One that has become another user's (sudo) may not be signalled
  // (EPERM): it is neither waited for nor reaped.
  ~process();

  // Of a child whose end nobody has seen yet, or any former one: for messages. Signals go by kill().
  pid_t id() const noexcept;
  // `sort (#1234)`
  std::string name() const;

  // Streams, where process_spec says stdio::pipe(); else they refer to none. A write to a child that reads no more is
  // `reset` (EPIPE). Note that output() ends when the last process closes it that has it: not before one that the child
  // has started and left behind. Closing input() is what the child sees as the end of it.
  stream& input() noexcept;
  stream& output() noexcept;
  stream& errors() noexcept;

  // How it ended. Parks until it has: the kernel wakes. Empty at the deadline; a cancel throws weir::cancelled, and is
  // as the deadline while the caller unwinds. The child is reaped by it; later calls say the same again at once.
  std::optional<exit_status> wait(deadline limit = {}, site where = site::current());
  // The same without waiting: empty as long as it runs.
  std::optional<exit_status> poll();

  // Sends a signal to it, with process_spec.own_group to its whole group. False: it has ended. Throws net::error
  // (EPERM: it has become somebody else; EINVAL).
  bool kill(int signal);
  // SIGTERM, process_spec.grace, SIGKILL, and returns its end; one that has ended is only reaped. Parks as wait(), up
  // to the grace, which a cancel may cut short: then the handle's end begins anew. After the SIGKILL nothing does.
  // Throws as wait() and kill().
  exit_status terminate(site where = site::current());

  // Readable once it has ended; for on_exit.
  int native_handle() const noexcept;

 private:
  class state;
  std::unique_ptr<state> state_;
};

// A case of select: ready once the child has ended, for ever then. body(std::optional<exit_status>),
// which is empty if the select runs while its actor unwinds from a cancel and the child runs on.
template <class Body>
auto on_exit(process& of, Body body, site where = site::current()) {
  static_assert(std::is_invocable_v<Body&, std::optional<exit_status>>,
                "weir::net::on_exit: the body takes a std::optional<weir::net::exit_status>");
  auto tell = [&of, b = std::move(body)](bool) mutable { return std::invoke(b, of.poll()); };
  return weir::on_fd(of.native_handle(), fd_event::readable, std::move(tell), where);
}

}  // namespace weir::net
