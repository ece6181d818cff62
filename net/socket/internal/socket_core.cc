#include "weir/net/socket/internal/socket_core.h"

#include <fmt/core.h>

#include <algorithm>

#include "weir/net/socket/internal/endpoint_entry.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/random.h"

namespace weir::net::internal {

using weir::internal::meet_cancel;
using weir::internal::wait_chain;
using weir::internal::wait_node;

void throw_moved_socket(const char* call, site where) {
  weir::internal::throw_misuse(call, "the socket must be one", "one that was moved from",
                               "Call it on the socket it was moved to.", where);
}

void check_frames(const message& m, const char* call, site where) {
  if (m.empty())
    weir::internal::throw_misuse(call, "a message has at least one frame", "one without", "message(\"\") has one.",
                                 where);
}

namespace {

// Without numbers the answer to an earlier question could be taken for the one that is due.
socket_options consistent(socket_options o) {
  o.correlate |= o.relaxed;
  return o;
}

}  // namespace

socket_core::socket_core(zmtp::socket_type t, socket_options o, weir::internal::runtime_core& r, site where)
    : source_base(where),
      type(t),
      options(consistent(std::move(o))),
      runtime(r),
      next_identity_(weir::internal::thread_random().next()),
      next_question_(weir::internal::thread_random().next()) {}

socket_core::~socket_core() {
  while (!pipes_.empty()) {
    pipe& p = *pipes_.front();
    pipes_.remove(p);
    p.self.reset();
  }
}

std::string socket_core::describe() {
  std::string kind(zmtp::name(type));
  for (char& c : kind) c = static_cast<char>(c - 'A' + 'a');
  return place((kind + " socket").c_str(), options.name);
}

void socket_core::wake_watchers_locked(wait_chain& woken) noexcept {
  while (wait_node* const n = watchers_.claim_first()) woken.add(*n);
}

// Receiving.

// Null: there is nothing; or there may be, if a pipe was released, of which the caller takes care first. What it does
// with the item and with `popped`, it does without the lock.
std::unique_ptr<item> socket_core::pop_locked(incoming& into, popped& more) noexcept {
  if (!news_.empty()) return pop_news_locked(into, more);
  for (bool got = false; !got && !readable_.empty() && !more.released;) {
    pipe& p = *readable_.front();
    std::unique_ptr<item> i(p.in.pop_and_fetch());
    count_as_read_locked(p, *i, more);
    got = type != zmtp::socket_type::req || (step_.now == req_step::at::answered && step_.number == i->number);
    if (got) {
      if (type == zmtp::socket_type::rep || type == zmtp::socket_type::xpub) {
        into.from = p.self;
        into.connection = p.connection;
      }
      step_.now = req_step::at::rest;
      ++counted_.received;
      ++p.received;
    } else {
      ++counted_.malformed;  // the answer to a question that another has taken the place of
      more.garbage.push_back(i.release());
    }
    if (p.in.empty()) {
      readable_.remove(p);
      if (p.gone && !p.has_unread()) more.released = release_locked(p);
    } else {
      readable_.rotate();
    }
    wake_reader_locked(p, more.woken);
    if (got) return i;
  }
  return nullptr;
}

void socket_core::count_as_read_locked(pipe& p, const item& i, popped& more) noexcept {
  --counted_.unread;
  if (!p.gone) return;
  --left_behind_.items;
  left_behind_.weight -= i.weight;
  if (!acceptors_.empty() && !much_is_left_behind_locked(2))
    while (wait_node* const n = acceptors_.claim_first()) more.woken.add(*n);
}

// With half of the room at once, so that the connection does not wake for each message.
void socket_core::wake_reader_locked(pipe& p, wait_chain& woken) noexcept {
  const std::size_t most = options.receive_high_water, octets = options.receive_high_water_bytes;
  const std::size_t items = std::max(p.in.size(), p.news.items), weight = std::max(p.in.weight(), p.news.weight);
  if (!p.reader.empty() && (most == 0 || items <= most / 2) && (octets == 0 || weight <= octets / 2))
    if (wait_node* const n = p.reader.claim_first()) woken.add(*n);
}

recv_status socket_core::try_recv(incoming& into) {
  for (;;) {
    popped more;
    lock_.lock();
    const std::unique_ptr<item> i = pop_locked(into, more);
    const bool got = i != nullptr, closed = over_;
    const bool turn_is_over = spend_locked();
    lock_.unlock();
    more.woken.wake();
    if (got) into.take(*i);
    if (turn_is_over) weir::internal::give_way();
    if (got || !more.released) return got ? recv_status::ok : closed ? recv_status::closed : recv_status::empty;
  }
}

recv_status socket_core::recv(incoming& into, deadline limit, site where) {
  for (bool first = true;; first = false) {
    popped more;
    lock_.lock();
    if (first && type == zmtp::socket_type::req && step_.now == req_step::at::rest && !over_) {
      lock_.unlock();
      weir::internal::throw_misuse("recv", "a REQ socket receives the answer to what was sent", "nothing was sent",
                                   "Call send() first, or request().", where);
    }
    if (const std::unique_ptr<item> i = pop_locked(into, more)) {
      const bool turn_is_over = spend_locked();
      lock_.unlock();
      more.woken.wake();
      into.take(*i);
      if (turn_is_over) weir::internal::give_way();
      return recv_status::ok;
    }
    if (!more.empty()) {  // who waited for the room of what was thrown away goes on, with what may be the right one
      lock_.unlock();
      more.woken.wake();
      continue;
    }
    if (over_) {
      lock_.unlock();
      weir::internal::closed_or_cancelled("recv");
      return recv_status::closed;
    }
    switch (wait_locked(receivers_, nullptr, "recv", limit)) {
      case wait_end::timeout:
        return recv_status::timeout;
      case wait_end::cancelled:
        meet_cancel("recv");
        return recv_status::closed;
      case wait_end::handed:
      case wait_end::closed:
        break;
    }
  }
}

socket_core::enrolled socket_core::enroll_recv(wait_node& node) {
  std::lock_guard guard(lock_);
  if (!readable_.empty() || !news_.empty() || over_) return weir::internal::enroll_ready(node);
  receivers_.push_back(node);
  return enrolled::waiting;
}

// Waiting for something about the socket.

template <class Look, class Ready>
bool socket_core::watch(Look look, Ready ready, deadline limit, const char* verb) {
  for (;;) {
    {
      std::unique_lock topics(topics_mutex_);
      look();
      lock_.lock();
      if (ready()) {
        lock_.unlock();
        return true;
      }
    }
    if (over_) {
      lock_.unlock();
      weir::internal::closed_or_cancelled(verb);
      return false;
    }
    switch (wait_locked(watchers_, nullptr, verb, limit)) {
      case wait_end::timeout:
        return false;
      case wait_end::cancelled:
        meet_cancel(verb);
        return false;
      case wait_end::handed:
      case wait_end::closed:
        break;
    }
  }
}

bool socket_core::wait_peers(std::size_t n, deadline limit) {
  return watch([] {}, [&] { return counted_.peers >= n; }, limit, "wait_peers");
}

bool socket_core::wait_subscribers(std::size_t n, std::string_view topic, deadline limit) {
  const auto ready = [&] {
    const std::uint64_t mark = ++marks_;
    std::size_t count = 0;
    for (pipe* p : targets_) count += p->connected && std::exchange(p->marked, mark) != mark;
    return count >= n;
  };
  return watch([&] { find_targets(topic); }, ready, limit, "wait_subscribers");
}

// The end.

void socket_core::wake_connections_locked(wait_chain& woken) noexcept {
  for (pipe* p = pipes_.front(); p != nullptr; p = pipes_.next(*p)) {
    while (wait_node* const n = p->writer.claim_first()) woken.add(*n);
    while (wait_node* const n = p->reader.claim_first()) woken.add(*n);
  }
}

close_result socket_core::close(deadline linger) {
  wait_chain woken;
  lock_.lock();
  const bool first = !std::exchange(closing_, true);
  while (wait_node* const n = senders_.claim_first()) woken.add(*n);
  lock_.unlock();
  woken.wake();

  for (bool waits = !std::uncaught_exceptions();;) {
    lock_.lock();
    if (counted_.unsent == 0 && !ending_ && !over_ && waits) {
      ending_ = true;
      wake_connections_locked(woken);
      lock_.unlock();
      woken.wake();
      continue;
    }
    if (over_ || !waits || (ending_ && counted_.peers == 0)) break;
    waits = wait_locked(watchers_, nullptr, "close", linger) == wait_end::handed;
  }
  if (!over_) left_ = counted_.unsent;
  const close_result left{left_};
  over_ = true;
  wake_watchers_locked(woken);
  while (wait_node* const n = receivers_.claim_first()) woken.add(*n);
  wake_connections_locked(woken);
  end_questions_locked(woken);
  lock_.unlock();
  woken.wake();

  if (first) {
    std::list<endpoint_entry> ended;
    {
      std::lock_guard guard(endpoints_mutex_);
      ended.swap(endpoints_);
    }
    for (endpoint_entry& e : ended) e.runner.cancel();  // all of them, before the first one is waited for
    ended.clear();
    std::optional<weir::sender<peer_event>> events;  // the last one has been told
    std::lock_guard guard(lock_);
    events_tx_.swap(events);
    events_over_ = true;
  }
  return left;
}

// What is told.

receiver<peer_event> socket_core::events(std::size_t capacity) {
  auto made = weir::channel<peer_event>(static_cast<long long>(std::max<std::size_t>(capacity, 1)), "peer events");
  std::lock_guard guard(lock_);
  if (events_over_ || events_tx_) {
    if (events_rx_) return *events_rx_;
    return std::move(made.rx);  // its sender goes with this call: closed
  }
  events_tx_ = std::move(made.tx);
  events_rx_ = made.rx;
  return std::move(made.rx);
}

void socket_core::tell(peer_event_kind kind, std::string_view address, std::string_view identity,
                       std::string_view reason, std::uint64_t count) noexcept {
  std::optional<weir::sender<peer_event>> to;
  {
    std::lock_guard guard(lock_);
    to = events_tx_;
  }
  if (!to) return;
  try {
    peer_event event{kind, std::string(address), std::string(identity), std::string(reason), count};
    static_cast<void>(to->try_send(std::move(event)));
  } catch (const std::bad_alloc&) {
  }
}

void socket_core::count_failed_handshake(std::string_view address, std::string_view reason) noexcept {
  {
    std::lock_guard guard(lock_);
    ++counted_.handshakes_failed;
  }
  tell(peer_event_kind::handshake_failed, address, {}, reason);
}

void socket_core::count_failed_connect(std::string_view address, std::string_view reason) noexcept {
  {
    std::lock_guard guard(lock_);
    ++counted_.connects_failed;
  }
  tell(peer_event_kind::connect_failed, address, {}, reason);
}

void socket_core::count_crowded_out() {
  std::lock_guard guard(lock_);
  ++counted_.crowded_out;
}

void socket_core::count_malformed() {
  std::lock_guard guard(lock_);
  ++counted_.malformed;
}

// What needs memory is made before the lock, or after it.
std::vector<peer_statistics> socket_core::peers() {
  struct seen {
    std::shared_ptr<pipe> of;
    frame identity;
    peer_statistics counted;
  };
  std::vector<seen> all;
  for (std::size_t needed = 0;; all.reserve(needed + needed / 8)) {
    std::lock_guard topics(topics_mutex_);
    std::lock_guard guard(lock_);
    needed = 0;
    for (pipe* p = pipes_.front(); p != nullptr; p = pipes_.next(*p)) ++needed;
    if (needed > all.capacity()) continue;
    for (pipe* p = pipes_.front(); p != nullptr; p = pipes_.next(*p)) {
      seen& s = all.emplace_back();
      s.of = p->self;
      s.identity = p->identity.copy();
      s.counted.connected = p->connected;
      s.counted.sent = p->sent;
      s.counted.received = p->received;
      s.counted.dropped = p->dropped;
      s.counted.lost = p->lost;
      s.counted.unsent = p->out.size() + p->in_flight;
      s.counted.unread = p->in.size() + p->news.items;
      s.counted.subscriptions = p->subscriptions;
    }
    break;
  }
  std::vector<peer_statistics> told;
  told.reserve(all.size());
  for (seen& s : all) {
    s.counted.address = s.of->address;
    s.counted.identity = std::string(s.identity.text());
    told.push_back(std::move(s.counted));
  }
  return told;
}

socket_statistics socket_core::statistics() {
  std::lock_guard guard(lock_);
  return counted_;
}

}  // namespace weir::net::internal
