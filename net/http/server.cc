#include "weir/net/http/server.h"

#include <exception>
#include <new>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/http/answering.h"
#include "weir/net/http/internal/server_core.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/wait_group.h"

namespace weir::net::http {
namespace {

// One of server_options::connections.
class place {
 public:
  explicit place(semaphore& of) noexcept : of_(&of) {}
  place(place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  place& operator=(place&&) = delete;
  ~place() {
    if (of_ != nullptr) of_->release();
  }

 private:
  semaphore* of_;
};

// In a wait_group.
class counted {
 public:
  explicit counted(wait_group& in) : in_(&in) { in.add(); }
  counted(counted&& other) noexcept : in_(std::exchange(other.in_, nullptr)) {}
  counted& operator=(counted&&) = delete;
  ~counted() {
    if (in_ != nullptr) in_->done();
  }

 private:
  wait_group* in_;
};

// Empty if that did not succeed.
stream begun(internal::server_core& core, const std::function<stream(stream)>& begin, stream conn) {
  const std::string peer = conn.name();
  std::string failed;
  try {
    return begin(std::move(conn));
  } catch (const net::error&) {  // of the client's
  } catch (const std::exception& e) {
    failed = e.what();
    if (failed.empty()) failed = "an exception without a text";
  }
  internal::count(core.not_begun);
  if (!failed.empty()) internal::report_beginning(core, peer, failed);
  return {};
}

}  // namespace

struct server::state {
  router routes;
  internal::server_core core;
};

server::server(router routes, server_options options, site where)
    : state_(new state{std::move(routes), internal::server_core(std::move(options))}) {
  if (state_->core.options.connections < 1)
    weir::internal::throw_misuse("http::server", "server_options::connections must be at least 1",
                                 std::to_string(state_->core.options.connections), "10000 is the default.", where);
}
server::~server() = default;

void server::serve_one(stream s, site where) {
  s.core("server::serve_one", where);
  internal::serve(state_->core, state_->routes, std::move(s));
}

void server::serve_all(const std::function<std::optional<stream>(event&)>& accept, const std::function<void()>& close,
                       const std::function<stream(stream)>& begin) {
  internal::server_core& core = state_->core;
  const router& routes = state_->routes;
  wait_group served;
  with_scope([&](scope& s) {
    for (;;) {
      if (!select(on_set(core.draining, [] { return false; }).priority(0),
                  on_acquire(core.places, [] { return true; }).priority(1)))
        break;
      place taken(core.places);
      std::optional<stream> next = accept(core.draining);
      if (!next) break;
      try {
        s.spawn("http", [&core, &routes, &begin, conn = std::move(*next), taken = std::move(taken),
                         one = counted(served)]() mutable {
          if (begin) conn = begun(core, begin, std::move(conn));
          if (conn) internal::serve(core, routes, std::move(conn));
        });
      } catch (const std::bad_alloc&) {  // no stack, say: it costs this connection, and no other
        internal::count(core.not_begun);
      }
    }
    close();
    select(on_done(served, [] {}), on_set(core.draining, [] {}));
    if (!core.draining.is_set()) return;
    if (!select(on_done(served, [] { return true; }).priority(0),
                after(core.drained_at(), [] { return false; }).priority(1)))
      s.cancel();
  });
}

void server::drain(deadline limit) { state_->core.drain(limit); }

server_statistics server::statistics() const noexcept {
  const auto of = [](const std::atomic<std::uint64_t>& n) { return n.load(std::memory_order_relaxed); };
  const internal::server_core& c = state_->core;
  return {of(c.connections), of(c.open), of(c.requests), of(c.refused), of(c.failed), of(c.late), of(c.not_begun)};
}

}  // namespace weir::net::http
