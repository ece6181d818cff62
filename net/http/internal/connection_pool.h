// Which connections a client has: at most so many to each host at once, and those that nobody uses, for the next
// request.
//
// Thread-safety: all of it. A std::mutex, never held over a park; connections are destroyed outside it.
//
// Invariants:
//  1. Who uses a connection to a host, or makes one, holds a place of that host. There are `per_host` of them.
//  2. An idle connection holds none, and stands in all_ (the one idle for the longest first) and, by its iterator, in
//     its host's list, in the same order.
//  3. used_ counts the places with a connection, or one that is being made. There are idle ones only as long as both
//     together are no more than `connections`.
//  4. A host is in hosts_ as long as somebody refers to it or it has idle connections; others go when hosts_ has grown
//     to twice what it had after the last look.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weir/net/http/limits.h"
#include "weir/net/http/reader.h"
#include "weir/net/stream.h"
#include "weir/runtime/base/clock.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/sync/semaphore.h"

namespace weir::net::http::internal {

// A connection, and what has come over it and is not read yet.
struct client_connection {
  client_connection(stream made, const limits& most) : over(std::move(made)), in(most) {}
  stream over;
  response_reader in;
};

struct pool_limits {
  int per_host = 0;
  std::size_t connections = 0;  // of all hosts, in use or idle
  std::chrono::nanoseconds idle_time{};
};

class connection_pool {
 public:
  explicit connection_pool(const pool_limits& limits) : limits_(limits) {}
  connection_pool(const connection_pool&) = delete;

  struct counts {
    std::uint64_t made = 0, reused = 0, stale = 0;
    std::size_t idle = 0, hosts = 0;
  };

  struct idle;
  struct host {
    explicit host(int most) : places(most) {}
    semaphore places;
    std::vector<std::list<idle>::iterator> idle_ones;  // guarded by mutex_; the latest at the end
  };
  struct idle {
    std::shared_ptr<host> of;
    std::unique_ptr<client_connection> kept;
    weir::internal::time_point since;
  };

  // The right to have a connection to a host.
  class place {
   public:
    place() = default;
    place(connection_pool& pool, std::shared_ptr<host> of) noexcept : pool_(&pool), host_(std::move(of)) {}
    place(place&& other) noexcept
        : pool_(other.pool_), host_(std::move(other.host_)), uses_(std::exchange(other.uses_, false)) {}
    place& operator=(place&& other) noexcept {
      std::swap(pool_, other.pool_), host_.swap(other.host_), std::swap(uses_, other.uses_);
      return *this;
    }
    ~place() { reset(); }

    // REQUIRES, for this and the next: what this place had before is gone.
    // The connection that was used last, if it has not been idle for too long; null: there is none. Whether its peer
    // is still there is to be seen.
    std::unique_ptr<client_connection> take_idle();
    // A connection is going to be made. Closes idle ones, of whatever host, if there would be too many.
    void make_room();
    // For the next one who asks. Closes the oldest if there are too many.
    void give_back(std::unique_ptr<client_connection> unused);
    // For the statistics.
    void count_made() { pool_->add(&counts::made); }
    void count_reused() { pool_->add(&counts::reused); }
    void count_stale() { pool_->add(&counts::stale); }
    void reset() noexcept;

   private:
    // REQUIRES: mutex_ is held.
    void use(bool now) noexcept;

    connection_pool* pool_ = nullptr;
    std::shared_ptr<host> host_;
    bool uses_ = false;  // counted in used_
  };

  // Parks until there is a place: whoever goes wakes, in the order of the calls. Empty: `limit` came. A cancel throws
  // weir::cancelled. `origin`: scheme, host and port.
  std::optional<place> enter(const std::string& origin, deadline limit);

  // Closes the connections that nobody uses.
  void close_idle();
  counts count() const;

 private:
  // Takes those out that have been idle for too long; they are destroyed by the caller, without the lock.
  void take_old(weir::internal::time_point now, std::list<idle>& old);
  void take_surplus(std::list<idle>& old);
  void unlist_oldest(std::list<idle>& into);
  void forget_hosts();
  void add(std::uint64_t counts::*which) {
    std::lock_guard guard(mutex_);
    ++(counts_.*which);
  }

  const pool_limits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<host>> hosts_;  // guarded by mutex_, as are:
  std::list<idle> all_;                                           // the one idle for the longest first
  std::size_t used_ = 0;
  std::size_t look_at_ = 64;  // when hosts_ has so many, look who is needed
  counts counts_;
};

}  // namespace weir::net::http::internal
