// What is done to sockets before and while they are streams: open, options, bind, listen, connect.
//
// Thread-safety: of free functions. Errors are net::error with the endpoint's name.
#pragma once

#include <string>

#include "weir/net/address.h"
#include "weir/net/endpoint.h"
#include "weir/net/internal/owned_fd.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/internal/descriptor.h"

namespace weir::net::internal {

// Non-blocking and close-on-exec.
owned_fd open_socket(int family, int type, const char* operation, const std::string& name);
// `value` is an int or a struct that the option takes.
template <class T>
void set_option(int fd, int level, int option, const T& value, const std::string& name);
void set_option(int fd, int level, int option, const void* value, std::size_t size, const std::string& name);
template <class T>
void set_option(int fd, int level, int option, const T& value, const std::string& name) {
  set_option(fd, level, option, &value, sizeof value, name);
}

void bind_socket(int fd, const address& at, const std::string& name);

// Connects: parks until the peer has answered, at most until `limit`. Throws net::error (errc::timeout among them); a
// cancel throws weir::cancelled, or error(errc::closed) while unwinding.
void connect_socket(const weir::internal::descriptor& fd, const address& to, const std::string& name, deadline limit);

}  // namespace weir::net::internal
