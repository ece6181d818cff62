// weir::net::http::exchange: one request and its answer, as a handler sees them.
//   request(), parameter()              what is asked
//   read_some(), read_body()            its body, in pieces or as a whole
//   respond()                           an answer as a whole
//   begin(), write(), finish()          an answer in pieces
//   upgrade()                           the connection itself, for another protocol
//
// Thread-safety: the handler's; other actors may use it while the handler does not.
//
// What the client has done wrong is thrown: status_error if it can be told (a body over the limit, a chunk that is
// none, a body that comes in drops), net::error if it is gone, or silent. A handler lets both pass.
//
// Every call that can park: the client's bytes (for writes: room) wake it; a cancel throws weir::cancelled; the
// client's end, a reset, and a pause longer than server_options allows throw net::error. After that, and after a cancel
// or a scope's time limit that ended a write, the connection is over: all further calls throw net::error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/net/http/request.h"
#include "weir/net/http/response.h"
#include "weir/net/http/router.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/site.h"

namespace weir::net::http {
namespace internal {
class connection;
struct answering;
}  // namespace internal

// What goes on with the connection after an upgrade.
struct upgraded {
  net::stream stream;
  std::string unread;  // what came behind the request, and is to be read first
};

class exchange {
 public:
  exchange(const exchange&) = delete;

  // Without its body.
  const http::request& request() const noexcept { return request_; }
  // What stands in the path for {name}, decoded. Throws misuse if the pattern has no such parameter.
  const std::string& parameter(std::string_view name, site where = site::current()) const;
  // "tcp://127.0.0.1:4711".
  std::string peer() const;
  // The server is drained: what takes long should end.
  bool draining() const noexcept;

  // The next piece of the body, empty once there is no more; valid until the next call. Parks until something has come.
  // A client that waits for 100 Continue is told to go on by the first call, or by begin().
  std::string_view read_some();
  // The rest of the body. Throws status_error (413) if it has more than `most` octets; the server's limits::body holds
  // in any case. Parks as read_some() does, until the end. Allocates as it comes.
  std::string read_body(std::size_t most = std::size_t{1} << 20);

  // The whole answer. Its body goes out with its length; to HEAD, and with 304, only that. Throws misuse if there is
  // one already, if the status is below 200, or has no body (204) and there is one. Parks only for answers that are
  // long, or many.
  void respond(const response& r, site where = site::current());
  void respond(http::status s, std::string_view body, std::string_view type = "text/plain; charset=utf-8",
               site where = site::current());
  // Begins an answer, whose body comes by write(): chunked, or of `length` octets. To HTTP/1.0 without a length it ends
  // with the connection. The body of `head` must be empty.
  void begin(const response& head, std::optional<std::uint64_t> length = {}, site where = site::current());
  // Sends a piece at once, and the head before it, which an empty piece sends alone; to HEAD no piece. Parks until the
  // kernel has taken it. Throws misuse before begin(), after finish(), and beyond the length.
  void write(std::string_view piece, site where = site::current());
  // The body is whole; a handler's end does the same. Throws misuse if octets are missing.
  void finish(site where = site::current());
  bool answered() const noexcept { return state_ != state::fresh; }

  // Sends `head`, 101 with its fields, and gives the connection up to the handler, which closes it by its end. What is
  // left of the request's body is read and thrown away. Throws status_error (400) if the client has not asked for
  // another protocol, misuse after an answer has begun.
  upgraded upgrade(const response& head, site where = site::current());

 private:
  friend struct internal::answering;
  enum class state : unsigned char { fresh, begun, finished, upgraded };

  exchange(internal::connection& over, http::request r, http::parameters p)
      : over_(over), request_(std::move(r)), parameters_(std::move(p)) {}
  void fresh_only(const char* call, site where) const;
  void final_only(const char* call, http::status s, site where) const;

  internal::connection& over_;
  http::request request_;
  http::parameters parameters_;
  state state_ = state::fresh;
  bool chunked_ = false, until_end_ = false;
  std::uint64_t missing_ = 0;  // octets of the length that have not been written
};

}  // namespace weir::net::http
