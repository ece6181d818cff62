// A TLS connection over a stream: who may touch the engine when, and who sends what it has made.
//
// The engine is a state machine that never waits; lock_ guards it, and is never held over a park. What it makes for the
// peer lies in its output until somebody holds the pump: that one takes the output, lets the lock go, and writes to the
// stream below, over and over until there is none. So bytes go in the order in which they were made, whoever made them.
//   - A writer makes records, and then pumps, waiting for room.
//   - A reader that has made something (an answer to a KeyUpdate, an alert) pumps only as far as that needs no wait:
//     were it to wait for room, two peers that both do so would wait for ever. The rest goes with what is next.
//   - What a server makes at the end of a TLS 1.3 handshake (tickets) waits for its first write: the client may have
//     gone by then, or never read, and would answer with a reset.
//
// The races, and what decides each:
//  - Output that is made while another one pumps: who pumps looks again under lock_ before it gives the pump back.
//  - A write's deadline or cancel between record and stream: what is left counts as gone, and stays first in line.
//  - close() against all: closed_ under lock_, then the close of the stream below, which ends those that wait there.
//    Nobody begins to read below after that. What has arrived, and nobody will read, is taken first, as a kernel that
//    has unread bytes on close answers with a reset, which takes what was written with it.
//  - close() while somebody pumps without waiting: that one sends close_notify, and then closes below.
//  - A write (or shutdown) while a message of TLS itself has come in part: it waits in whole_waits_ for the reader, who
//    looks at the engine under lock_ and wakes it: with the rest, or because there will be none.
//
// Thread-safety: as stream_core.h.
//
// Invariants:
//  1. Nobody else reads or writes the stream below: both its sides are busy as long as this lives.
//  2. sending_ belongs to who holds the pump. It comes before the engine's output.
//  3. input: only who reads calls engine::room() and arrived(), without lock_; the engine takes from it under lock_, in
//     calls that only who reads makes.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/net/internal/stream_core.h"
#include "weir/net/stream.h"
#include "weir/net/tls/internal/engine.h"
#include "weir/net/tls/tls_agreement.h"
#include "weir/net/tls/tls_certificate.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/wait_list.h"

namespace weir::net::internal {

class tls_core final : public stream_core {
 public:
  // Takes `over` for itself; throws misuse if it is in use. `host`: for clients, the server's name.
  tls_core(stream over, std::shared_ptr<tls_context> with, std::string_view host, site where);
  ~tls_core() override;

  // See start_tls. REQUIRES: nobody else knows of this yet.
  void handshake(deadline limit);

  io_result read(const iovec* into, int count, deadline limit) override;
  io_result write(const iovec* from, int count, deadline limit) override;
  io_result finish(deadline limit) override;
  std::string name() const override { return name_; }
  [[noreturn]] void throw_reset(const char* operation, int code) const override;

  bool ready(direction d) override;
  enrolled enroll(direction d, wait_node& node) override;
  void withdraw(direction d, wait_node& node) noexcept override { below_.withdraw(d, node); }
  bool confirm(direction d) override { return ready(d); }

  const tls_agreement& agreed() const noexcept { return agreed_; }
  std::optional<tls_certificate> peer() const;
  std::string why() const;

 private:
  void close_now() noexcept override;

  using step = engine::step;

  // A deadline that has passed: a call with it does what needs no wait.
  static constexpr deadline at_once{deadline::time_point::min()};
  // As much is taken from below by close().
  static constexpr std::size_t most_dropped = 64 * 1024;
  // More than this a reader does not leave behind without waiting: a peer that asks for answers and takes none.
  static constexpr std::size_t most_answers = 64 * 1024;

  // Holding the pump; gives it back.
  class pump;

  // Waits in `list` until it is woken, and then holds the lock; or why not, and then it does not.
  io_result wait_in(weir::internal::wait_list& list, std::unique_lock<std::mutex>& lock, deadline limit);
  // Waits while the engine can take no write, and then holds the lock; or why not.
  io_result until_whole(std::unique_lock<std::mutex>& lock, deadline limit);
  // Has the engine go on with what has arrived; wakes who waits for that. `call`: step(engine&).
  template <class Call>
  step go_on(std::unique_lock<std::mutex>& lock, Call call);
  // Waits for the pump, and pumps until nothing is left, or why not.
  io_result flush(deadline limit);
  // Pumps what can be without a wait, if nobody does and it is called for.
  void flush_at_once();
  // What the last call of the engine has left in its output is to go without waiting for a write. Under lock_.
  void answer_locked(std::size_t had) noexcept {
    answers_ |= engine_.output.size() > had;
    answered_ += engine_.output.size() - had;
  }

  // Closes the stream below, with nothing unread there, if nobody reads.
  void close_below(bool may_read) noexcept;
  // Reads from below once; `end` becomes what it means here.
  io_result refill(deadline limit);
  io_result refused_locked() const noexcept;
  void agree();
  [[noreturn]] void fail_handshake(io_result r);

  const std::shared_ptr<tls_context> context_;
  const stream over_;
  stream_core& below_;
  const std::string name_;

  // Immutable after the handshake.
  tls_agreement agreed_;
  x509_ptr peer_;

  mutable std::mutex lock_;
  // Guarded by lock_ (but see invariant 3):
  engine engine_;
  bool closed_ = false, finished_ = false;
  std::optional<tls_failure> torn_;        // the peer's half has ended without close_notify
  io_result dry_;                          // not ok: why nothing more will be read from below
  bool filling_ = false;                   // somebody reads below
  bool close_next_ = false;                // who gives the pump back closes below
  bool pumping_at_once_ = false;           // so, and will not wait
  bool pumping_ = false;                   // somebody holds the pump
  bool answers_ = false;                   // something is to be sent that no writer waits for
  std::size_t answered_ = 0;               // bytes of answers in the engine's output
  weir::internal::wait_list pump_waits_;   // the writer, if it waits for the pump
  weir::internal::wait_list whole_waits_;  // the writer, if a message of TLS has come in part

  // The pump's.
  std::vector<std::byte> sending_;
  std::size_t sent_ = 0;
};

}  // namespace weir::net::internal
