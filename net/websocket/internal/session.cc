#include "weir/net/websocket/internal/session.h"

#include <exception>
#include <utility>

#include "weir/channels/select.h"
#include "weir/channels/sync_cases.h"
#include "weir/runtime/scope.h"

namespace weir::net::websocket::internal {
namespace {

constexpr std::size_t read_at_once = 16 * 1024;
// What waits is written together up to so many octets.
constexpr std::size_t write_at_once = 64 * 1024;
// Beside its bytes a message takes some, so that a queue bound by weight is bound for empty ones, too.
constexpr std::size_t own_weight = 64;

channel_ends<message> queue(const options& o, const char* name, site where) {
  return channel<message>({.capacity = o.queue,
                           .weight = [](const message& m) noexcept { return m.data.size() + own_weight; },
                           .max_weight = o.queue_bytes},
                          name, where);
}

deadline until(std::chrono::milliseconds d) { return d.count() > 0 ? deadline(d) : deadline::never(); }

}  // namespace

session::session(stream over, role side, const options& o, std::string_view read_already, site where)
    : settings(o),
      in(queue(o, "websocket in", where)),
      out(queue(o, "websocket out", where)),
      stream_(std::move(over)),
      side_(side),
      left_(read_already),
      in_frames_(side, o.message),
      out_frames_(side) {}

void session::run() {
  // Also when a cancel unwinds this actor.
  struct at_end {
    session& s;
    ~at_end() { s.break_off(), s.ended.set(); }
  } const end{*this};
  try {
    with_scope([this](scope& s) {
      s.spawn("websocket write", [this] { write(); });
      read();
      quit();
    });
  } catch (const std::exception& e) {
    note(e.what());  // a system call has failed, or there is no memory
  }
}

void session::begin_close(close_reason why, bool now) {
  {
    std::lock_guard guard(mutex_);
    if (!closing_) closing_ = std::move(why);
    due_.close |= now;
  }
  close_channels();
  wake_.set();
}

// In this order: who has nothing more to receive cannot send any more.
void session::close_channels() {
  out.tx.close();
  in.tx.close();
}

void session::break_off() {
  close_channels();
  stream_.close();
}

void session::give_up_waiting() {
  note("the peer has not closed in time");
  break_off();
}

void session::note(const std::string& failure) {
  std::lock_guard guard(mutex_);
  if (ending_.failure.empty()) ending_.failure = failure;
}

ending session::how() {
  std::lock_guard guard(mutex_);
  ending e = ending_;
  if (e.in_order()) e.failure.clear();  // that the stream's end was late or torn cost nothing
  return e;
}

session::due session::take_due() {
  std::lock_guard guard(mutex_);
  wake_.reset();  // who sets it later has something else to say
  due now = due_;
  due_.pong.reset();
  due_.ping = false;
  return now;
}

void session::quit() {
  {
    std::lock_guard guard(mutex_);
    due_.stop = true;
  }
  break_off();
  wake_.set();
}

void session::read() {
  std::string buffer(read_at_once, '\0');
  std::string_view bytes = left_;
  deadline quiet = until(settings.ping_every);
  for (;;) {
    message m;
    for (input got; (got = in_frames_.next(bytes, m)) != input::more;)
      if (!handle(got, m)) return;
    const io_result r = stream_.read_some(buffer, quiet);
    bytes = std::string_view(buffer).substr(0, r.bytes);
    switch (r.status) {
      case io_status::ok:
        asked_ = false;
        quiet = until(settings.ping_every);
        continue;
      case io_status::timeout:
        if (asked_) return note("the peer has vanished: nothing came from it, and a ping was not answered");
        asked_ = true;
        quiet = until(settings.pong_within);
        {
          std::lock_guard guard(mutex_);
          due_.ping = true;
        }
        wake_.set();
        continue;
      case io_status::closed:
        return note("this side has broken it off");
      case io_status::end:
        return note("the peer has ended the stream without a close frame");
      default:
        return note(std::string("the stream was broken: ") + name_of(r.status));
    }
  }
}

// False: there is nothing more to read.
bool session::handle(input got, message& m) {
  switch (got) {
    case input::message:
      // False: it is closing, and what still comes is dropped.
      static_cast<void>(in.tx.send(std::move(m), weir::site{}));
      return true;
    case input::ping: {
      std::lock_guard guard(mutex_);
      due_.pong = std::move(m.data);
      wake_.set();
      return true;
    }
    case input::pong:
      return true;  // it came: that is all it is for
    case input::close: {
      const close_reason& why = in_frames_.peer_close();
      {
        std::lock_guard guard(mutex_);
        ending_.peer = why;
      }
      begin_close({why.code, {}}, true);
      finish(side_ == role::server);  // a client lets the server end the stream first (section 7.1.1)
      return false;
    }
    default: {
      const rule_text& broken = describe(in_frames_.failure().broken);
      note(in_frames_.failure().text());
      begin_close({broken.code, std::string(broken.sentence)}, true);
      finish(true);
      return false;
    }
  }
}

void session::finish(bool shut_down) {
  const deadline latest(settings.close_within);
  if (!written_.wait(latest)) return;
  if (shut_down && !stream_.shutdown(latest)) return;
  // To the end of the stream: closing it with bytes unread could make the kernel take back what was written.
  std::string buffer(read_at_once, '\0');
  while (stream_.read_some(buffer, latest)) {
  }
}

void session::write() {
  struct at_end {
    session& s;
    ~at_end() { s.out.tx.close(), s.written_.set(); }
  } const end{*this};
  std::string batch;
  for (bool drained = false;;) {
    batch.clear();
    if (batch.capacity() > 4 * write_at_once) batch.shrink_to_fit();
    select(on_set(wake_, [] {}), on_recv(out.rx, [&](std::optional<message> m) {
                                   if (m)
                                     out_frames_.add(batch, *m);
                                   else
                                     drained = true;
                                 }).priority(1));
    const due now = take_due();
    if (now.stop) return;
    if (now.pong) out_frames_.pong(batch, *now.pong);
    if (now.ping) out_frames_.ping(batch, "");
    while (!now.close && !drained && batch.size() < write_at_once) {
      recv_result<message> more = out.rx.try_recv();
      if (more)
        out_frames_.add(batch, *more);
      else if (more.status() == recv_status::closed)
        drained = true;
      else
        break;
    }
    std::optional<close_reason> last;
    if (now.close || drained) {
      {
        std::lock_guard guard(mutex_);
        if (!closing_) closing_ = close_reason{close_code::normal};  // outgoing() was closed
        last = closing_;
      }
      out_frames_.close(batch, last->code, last->text);
    }
    // What has failed here read() will hear of, too, after what the peer still said.
    if (!batch.empty() && !stream_.write_all(batch)) return;
    if (!last) continue;
    {
      std::lock_guard guard(mutex_);
      ending_.own = *last;
    }
    written_.set();
    return await_end();
  }
}

// Whoever asked for the end may not wait for it.
void session::await_end() {
  for (const deadline latest(settings.close_within); !latest.expired() && wake_.wait(latest);)
    if (take_due().stop) return;
  give_up_waiting();
}

}  // namespace weir::net::websocket::internal
