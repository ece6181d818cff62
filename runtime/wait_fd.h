// wait_fd: waits for a descriptor that a foreign library owns. With it a library that can be driven without blocking
// (libpq, hiredis, libcurl, librdkafka, ...) works on actors: call it, and when it says that it would block, wait here.
//
// Thread-safety: all of it. Any number of actors and threads may wait for the same descriptor, and each is woken.
#pragma once

#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/fd_event.h"
#include "weir/runtime/base/site.h"

namespace weir {

// Parks until `fd` is ready for what `event` says, as poll(2) means it: bytes that the library has left unread are
// ready still. True: it is. False: the deadline came first, or the actor unwinds from a cancel; a cancel throws
// weir::cancelled.
//
// Each call waits for itself alone and leaves `fd` as it is, so the library may close it when nobody waits. If it does
// so under a waiter, the kernel tells nobody: the wait goes on to its deadline, and never ends by what another
// descriptor of the same number does. A plain thread blocks.
//
// Throws misuse if `fd` is not open, or is a file or folder (which are always ready, so nothing tells when);
// std::system_error if the kernel has no room for one more. Costs one system call, two the first time on a worker.
bool wait_fd(int fd, fd_event event, deadline limit = {}, site where = site::current());

}  // namespace weir
