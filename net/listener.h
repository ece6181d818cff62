// What listeners of every kind share: `for (auto& conn : listener)`, accept, close, counts.
//
// Thread-safety: all of it, but for assigning, moving and reset. Any number of actors may accept from one listener;
// each connection goes to one of them. They share one descriptor, and the connection belongs to no worker: see
// internal/acceptor.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "weir/channels/status.h"
#include "weir/net/address.h"
#include "weir/net/internal/acceptor.h"
#include "weir/net/internal/socket_stream.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net {

// Each by itself; stale at once.
struct listener_statistics {
  std::uint64_t accepted = 0;  // connections that were handed out
  std::uint64_t aborted = 0;   // that were gone before they could be (accept(2): ECONNABORTED and its like)
  std::uint64_t starved = 0;   // times that there was no descriptor or memory for one; it waits in the kernel's queue
};

namespace internal {
[[noreturn]] void throw_empty_listener(const char* call, site where);
}

template <class Stream>
class basic_listener {
 public:
  using value_type = Stream;

  basic_listener() = default;  // refers to none
  basic_listener(basic_listener&&) noexcept = default;
  basic_listener& operator=(basic_listener&&) noexcept = default;

  // Parks until somebody has connected, and gives the connection. Empty once closed. An arrival wakes it, and close()
  // from anywhere; a cancel throws weir::cancelled (while unwinding: empty). If the process has no descriptor left, it
  // counts that (statistics), pauses for 1 to 100 ms and tries again; the connection waits in the kernel's queue
  // meanwhile. Throws net::error on failures of another kind. Allocates the stream.
  std::optional<Stream> accept(site where = site::current()) const {
    auto r = accept(deadline::never(), where);
    return r ? std::optional<Stream>(*std::move(r)) : std::nullopt;
  }
  // The same, at most until `limit`. With somebody there even an expired deadline succeeds.
  recv_result<Stream> accept(deadline limit, site where = site::current()) const {
    internal::owned_fd fd;
    address from;
    internal::acceptor& core = get("accept", where);
    const recv_status status = core.accept(fd, from, limit);
    if (status != recv_status::ok) return {status, std::nullopt};
    return {status, Stream(internal::make_socket_stream(std::move(fd), core.over(), from))};
  }

  // accept() over and over, until closed.
  class iterator {
   public:
    using value_type = Stream;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(const basic_listener& from) : from_(&from) { ++*this; }
    Stream& operator*() const noexcept { return *value_; }
    Stream* operator->() const noexcept { return &*value_; }
    iterator& operator++() {
      value_.reset();
      value_ = from_->accept(site{});
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !value_.has_value(); }

   private:
    const basic_listener* from_ = nullptr;
    mutable std::optional<Stream> value_;
  };
  iterator begin(site where = site::current()) const {
    get("for", where);
    return iterator(*this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

  // Nobody can connect any more; those who wait in accept() get nothing. Connections in the kernel's queue that nobody
  // has accepted are reset. Idempotent, does not park.
  void close(site where = site::current()) const { get("close", where).close(); }
  // Gives the handle up; the last one closes.
  void reset() noexcept { core_.reset(); }

  // Where it listens, with the port that the kernel has chosen.
  const address& at(site where = site::current()) const { return get("at", where).at(); }
  std::uint16_t port(site where = site::current()) const { return at(where).port(); }
  // `tcp://0.0.0.0:8080`.
  std::string name(site where = site::current()) const { return get("name", where).name(); }
  listener_statistics statistics(site where = site::current()) const {
    const internal::acceptor& core = get("statistics", where);
    return {core.accepted(), core.aborted(), core.starved()};
  }

  explicit operator bool() const noexcept { return core_ != nullptr; }

  // For select. Throws misuse if the handle refers to none.
  internal::acceptor& get(const char* call, site where) const {
    if (core_ == nullptr) internal::throw_empty_listener(call, where);
    return *core_;
  }

 protected:
  explicit basic_listener(std::shared_ptr<internal::acceptor> core) noexcept : core_(std::move(core)) {}
  const std::shared_ptr<internal::acceptor>& shared() const noexcept { return core_; }

 private:
  std::shared_ptr<internal::acceptor> core_;
};

}  // namespace weir::net
