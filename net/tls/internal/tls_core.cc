#include "weir/net/tls/internal/tls_core.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <mutex>
#include <utility>

#include "weir/net/tls/internal/certificate.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {
namespace {

// Memory beyond this is given back when a connection has nothing to send.
constexpr std::size_t kept_capacity = 20 * 1024;

std::string name_over(const std::string& below, bool is_server, std::string_view host) {
  return is_server || host.empty() ? fmt::format("tls+{}", below) : fmt::format("tls+{} ({})", below, host);
}

// Both sides of `below` from now on.
void take_sides(stream_core& below, site where) {
  const auto take = [&](stream_core::side& side, const char* who) {
    // Acquire pairs with the end of the last operation (stream.cc): what it left behind is seen.
    if (side.busy.exchange(true, std::memory_order_acquire))
      weir::internal::throw_misuse("start_tls", "nobody uses the stream", fmt::format("a {} of {}", who, below.name()),
                                   "Let its last call end first.", where);
  };
  take(below.reading, "reader");
  try {
    take(below.writing, "writer");
  } catch (...) {
    below.reading.busy.store(false, std::memory_order_release);
    throw;
  }
}

}  // namespace

class tls_core::pump {
 public:
  // REQUIRES: lock_ is held, and nobody holds the pump.
  pump(tls_core& of, bool waits) noexcept : of_(of) {
    of.pumping_ = true;
    of.pumping_at_once_ = !waits;
  }
  pump(const pump&) = delete;
  ~pump() {
    if (!held_) return;
    std::unique_lock lock(of_.lock_);
    of_.answers_ = true;  // what could not be sent
    give_back(lock);
  }

  io_result run(deadline limit) {
    for (;;) {
      if (of_.sent_ == of_.sending_.size()) {
        of_.sending_.clear();
        of_.sent_ = 0;
        if (of_.sending_.capacity() > kept_capacity) std::vector<std::byte>().swap(of_.sending_);
        std::unique_lock lock(of_.lock_);
        std::swap(of_.sending_, of_.engine_.output);
        of_.answered_ = 0;
        if (of_.sending_.empty()) {
          of_.answers_ = false;
          give_back(lock);
          return {};
        }
      }
      const iovec left{of_.sending_.data() + of_.sent_, of_.sending_.size() - of_.sent_};
      const io_result r = of_.below_.write(&left, 1, limit);
      of_.below_.writing.add(r.bytes);
      of_.sent_ += r.bytes;
      if (!r) return {r.status, r.code, 0};
    }
  }

 private:
  void give_back(std::unique_lock<std::mutex>& lock) noexcept {
    held_ = false;
    of_.pumping_ = of_.pumping_at_once_ = false;
    const bool closes = std::exchange(of_.close_next_, false), may_read = !of_.filling_;
    weir::internal::wait_node* const next = of_.pump_waits_.claim_all();
    lock.unlock();
    if (closes) of_.close_below(may_read);
    wake_all(next);
  }

  tls_core& of_;
  bool held_ = true;
};

tls_core::tls_core(stream over, std::shared_ptr<tls_context> with, std::string_view host, site where)
    : context_(std::move(with)),
      over_(std::move(over)),
      below_(over_.core("start_tls", where)),
      name_(name_over(below_.name(), context_->is_server, host)),
      engine_(*context_, host, name_) {
  take_sides(below_, where);
}

tls_core::~tls_core() {
  tls_core::close_now();
  // Release pairs with the acquire of whoever uses the stream next, through another handle.
  below_.writing.busy.store(false, std::memory_order_release);
  below_.reading.busy.store(false, std::memory_order_release);
}

io_result tls_core::wait_in(weir::internal::wait_list& list, std::unique_lock<std::mutex>& lock, deadline limit) {
  weir::internal::wait_node node;
  const weir::internal::wait_for why("write", [this] { return name_; });
  const auto nobody = []() -> weir::internal::wait_node* { return nullptr; };
  lock.release();  // park_in unlocks
  switch (park_in(lock_, list, node, why, weir::internal::interruptible::yes, limit, nobody)) {
    case weir::internal::wait_end::woken:
      lock = std::unique_lock(lock_);
      return {};
    case weir::internal::wait_end::timeout:
      return {io_status::timeout, 0, 0};
    case weir::internal::wait_end::cancelled:
      break;
  }
  weir::internal::meet_cancel("write");
  return {io_status::closed, 0, 0};
}

io_result tls_core::until_whole(std::unique_lock<std::mutex>& lock, deadline limit) {
  for (;;) {
    if (const io_result r = refused_locked(); !r) return r;
    if (!engine_.in_pieces()) return {};
    if (!dry_) return dry_;
    if (const io_result r = wait_in(whole_waits_, lock, limit); !r) return r;
  }
}

template <class Call>
tls_core::step tls_core::go_on(std::unique_lock<std::mutex>& lock, Call call) {
  const std::size_t had = engine_.output.size();
  const step s = call(engine_);
  answer_locked(had);
  weir::internal::wait_node* const writer = engine_.in_pieces() ? nullptr : whole_waits_.claim_all();
  if (writer != nullptr) {
    lock.unlock();
    wake_all(writer);
    lock.lock();
  }
  return s;
}

io_result tls_core::flush(deadline limit) {
  std::unique_lock lock(lock_);
  while (pumping_)
    if (const io_result r = wait_in(pump_waits_, lock, limit); !r) return r;
  pump mine(*this, true);
  lock.unlock();
  return mine.run(limit);
}

void tls_core::flush_at_once() {
  std::unique_lock lock(lock_);
  if (pumping_ || !answers_) return;
  pump mine(*this, false);
  lock.unlock();
  (void)mine.run(at_once);  // what is left is `answers_` still
}

io_result tls_core::refused_locked() const noexcept {
  if (closed_) return {io_status::closed, 0, 0};
  if (engine_.why()) return {io_status::reset, engine_.why()->code, 0};
  return {};
}

io_result tls_core::refill(deadline limit) {
  {
    std::lock_guard guard(lock_);
    if (closed_) return {io_status::closed, 0, 0};
    filling_ = true;
  }
  struct reads {
    tls_core& of;
    ~reads() {
      std::lock_guard guard(of.lock_);
      of.filling_ = false;
    }
  };
  io_result r;
  {
    const reads now{*this};
    const iovec room = engine_.room();
    r = below_.read(&room, 1, limit);
  }
  below_.reading.add(r.bytes);
  engine_.arrived(r.bytes);
  if (r || r.status == io_status::timeout) return r;
  weir::internal::wait_node* writer;
  {
    std::lock_guard guard(lock_);
    if (r.status == io_status::end) {
      if (!torn_) torn_ = truncated(engine_.agreed());
      r = {io_status::reset, torn_->code, 0};
    }
    dry_ = r;
    writer = whole_waits_.claim_all();
  }
  wake_all(writer);
  return r;
}

io_result tls_core::read(const iovec* into, int count, deadline limit) {
  while (count > 1 && into->iov_len == 0) ++into, --count;
  for (int rounds = 1;; ++rounds) {
    step s;
    std::size_t got = 0;
    bool answers, too_many;
    {
      std::lock_guard guard(lock_);
      too_many = answered_ > most_answers;
    }
    if (too_many)
      if (const io_result r = flush(limit); !r) return r;
    {
      std::unique_lock lock(lock_);
      if (closed_) return {io_status::closed, 0, 0};
      s = go_on(lock, [&](engine& e) { return e.read(into->iov_base, into->iov_len, got); });
      answers = answers_;
    }
    if (answers) flush_at_once();
    switch (s) {
      case step::done:
        return {io_status::ok, 0, got};
      case step::end:
        return {io_status::end, 0, 0};
      case step::failed: {
        std::lock_guard guard(lock_);
        return refused_locked();
      }
      case step::starved:
        break;
    }
    {
      std::lock_guard guard(lock_);
      if (torn_) return {io_status::reset, torn_->code, 0};
    }
    if (const io_result r = refill(limit); !r) return r;
    weir::internal::spend_operation();
    // A peer that sends, and sends no text, does not outlast a deadline or a cancel.
    if (rounds % 16 == 0) {
      weir::internal::closed_or_cancelled("read");
      if (limit.expired()) return {io_status::timeout, 0, 0};
    }
  }
}

io_result tls_core::write(const iovec* from, int count, deadline limit) {
  std::size_t took = 0;
  bool before = false;
  {
    std::lock_guard guard(lock_);
    before = answers_;
  }
  // What an earlier write has left comes first, so that no more than one call's worth is ever left.
  if (before)
    if (const io_result r = flush(limit); !r) return r;
  {
    std::unique_lock lock(lock_);
    if (finished_ && !closed_) return {io_status::closed, 0, 0};
    if (const io_result r = until_whole(lock, limit); !r) return r;
    if (engine_.write(from, count, took) != step::done) return refused_locked();
  }
  try {
    const io_result r = flush(limit);
    return {r.status, r.code, took};
  } catch (...) {
    writing.add(took);  // with a result stream.cc does
    throw;
  }
}

io_result tls_core::finish(deadline limit) {
  {
    std::unique_lock lock(lock_);
    if (const io_result r = refused_locked(); !r) return r;
    if (!finished_) {
      if (const io_result r = until_whole(lock, limit); !r) return r;
      if (!engine_.end_writing()) return {io_status::reset, EPROTO, 0};
      finished_ = true;
    }
  }
  return flush(limit);
}

void tls_core::close_now() noexcept {
  bool say_so, may_read, now;
  weir::internal::wait_node* writer;
  {
    std::lock_guard guard(lock_);
    if (closed_) return;
    closed_ = true;
    if (!finished_) engine_.end_writing();
    say_so = !engine_.output.empty() || answers_;
    answers_ = say_so;
    may_read = !filling_;
    now = !pumping_at_once_;
    close_next_ = !now;
    writer = whole_waits_.claim_all();
  }
  wake_all(writer);
  if (!now) return;
  try {
    if (say_so) flush_at_once();
  } catch (const std::exception&) {  // the stream below fails: so be it
  }
  close_below(may_read);
}

void tls_core::close_below(bool may_read) noexcept {
  try {
    std::array<std::byte, 4096> unread;
    const iovec into{unread.data(), unread.size()};
    for (std::size_t dropped = 0; may_read && dropped < most_dropped && below_.ready(direction::read);) {
      const io_result r = below_.read(&into, 1, at_once);
      if (!r) break;
      dropped += r.bytes;
    }
  } catch (const std::exception&) {  // likewise
  }
  below_.close();
}

bool tls_core::ready(direction d) {
  flush_at_once();
  if (d == direction::write) {
    {
      std::lock_guard guard(lock_);
      if (finished_ || !refused_locked()) return true;
    }
    return below_.ready(d);
  }
  for (;;) {
    {
      std::unique_lock lock(lock_);
      if (torn_ || !refused_locked()) return true;
      if (go_on(lock, [](engine& e) { return e.look(); }) != step::starved) return true;
    }
    if (!below_.ready(d)) return false;
    const io_result r = refill(at_once);
    if (!r && r.status != io_status::timeout) return true;
    flush_at_once();
  }
}

enrolled tls_core::enroll(direction d, wait_node& node) {
  bool is_ready;
  {
    std::lock_guard guard(lock_);
    is_ready = !refused_locked();
    if (d == direction::write) is_ready |= finished_;
    if (d == direction::read && !is_ready) {
      const std::size_t had = engine_.output.size();
      is_ready = torn_ || engine_.look() != step::starved;
      answer_locked(had);
    }
  }
  return is_ready ? enroll_ready(node) : below_.enroll(d, node);
}

std::optional<tls_certificate> tls_core::peer() const {
  if (!peer_) return std::nullopt;
  return describe(*peer_);
}

std::string tls_core::why() const {
  std::lock_guard guard(lock_);
  if (engine_.why()) return engine_.why()->text;
  return torn_ ? torn_->text : std::string();
}

void tls_core::throw_reset(const char* operation, int code) const {
  std::optional<tls_failure> f;
  {
    std::lock_guard guard(lock_);
    f = engine_.why() ? engine_.why() : torn_;
  }
  if (f && f->code == code) throw tls_error(f->kind, operation, name_, f->text);
  throw error(code, operation, name_);
}

}  // namespace weir::net::internal
