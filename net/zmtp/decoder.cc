#include "weir/net/zmtp/decoder.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "weir/net/zmtp/command.h"
#include "weir/net/zmtp/frame_header.h"

namespace weir::net::zmtp {
namespace {

// Frames from here on get memory of their own unless they are whole in the buffer.
constexpr std::size_t large_from = 16 * 1024;
// While long frames come one after the other, a read of the buffer takes no more than this: the rest of the next one
// can then be read to where it stays.
constexpr std::size_t short_read = 8 * 1024;
// So many octets of commands may stand in the buffer between frames of a message, which keep it.
constexpr std::size_t most_passed_over = 4 * 1024;

std::string_view text_of(const std::byte* at, std::size_t n) { return {reinterpret_cast<const char*>(at), n}; }

}  // namespace

decoder::decoder(const limits& most, bool subscriptions, std::uint64_t offset)
    : most_(most), subscriptions_(subscriptions), offset_(offset) {
  most_.command = std::min(most_.command, limits::most_command);
  most_.topic = std::min(most_.topic, limits::most_topic);
}

mutable_buffer decoder::room() {
  if (failure_) return {};
  // The last bytes of a long frame come with what is behind it.
  into_large_ = large_.active() && large_.missing() >= internal::receive_buffer::worth_a_read;
  if (!into_large_)
    return buffer_.room(need_, last_large_ >= 2 * large_from ? short_read : internal::receive_buffer::largest);
  const mutable_buffer room = large_.room();
  if (room.empty()) fail(rule::memory, "none for " + std::to_string(large_.size()) + " octets", offset_);
  return room;
}

void decoder::filled(std::size_t n) noexcept {
  if (failure_) return;
  if (into_large_)
    large_.filled(n);
  else
    buffer_.filled(n);
}

std::size_t decoder::feed(const_buffer bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const mutable_buffer into = room();
    if (into.empty()) break;
    const std::size_t n = std::min(into.size(), bytes.size() - taken);
    std::memcpy(into.data(), bytes.data() + taken, n);
    filled(n);
    taken += n;
  }
  return taken;
}

input decoder::next(message& into) noexcept {
  if (failure_) return input::failed;
  try {
    return decode(into);
  } catch (const std::bad_alloc&) {
    failure_ = {rule::memory, "none", offset_};  // short enough to need none
    return end();
  }
}

inline input decoder::decode(message& into) {
  for (;;) {
    if (large_.active()) {
      if (!absorb_large()) return failure_ ? input::failed : input::more;
      const unsigned flags = large_.flags();
      last_large_ = large_.size();
      if (const input got = message_frame(large_.finish(), flags, into); got != input::more) return got;
      continue;
    }

    const std::byte* const at = buffer_.data();
    const std::size_t have = buffer_.size();
    if (have < short_header) return need_ = short_header, input::more;
    auto flags = static_cast<unsigned>(at[0]);
    std::size_t header = short_header;
    bool ignores = false;
    std::uint64_t size = static_cast<std::uint8_t>(at[1]);
    if (flags > flag_more) {  // anything but a short frame of a message
      frame_header h;
      if (!read_header(at, have, most_, h, failure_)) {
        failure_.offset += offset_;
        return end();
      }
      if (h.length == 0) return need_ = long_header, input::more;
      ignores = h.ignored_flags;
      flags = h.flags & ~flag_long, header = h.length, size = h.size;
    }
    if (!header_allowed(flags, size)) return input::failed;

    const std::byte* const body = at + header;
    if (have - header < size) {
      if (!(flags & flag_command) && size >= large_from) {
        if (!begin_large(body, have - header, size, flags)) return failure_ ? input::failed : input::more;
        ignored_flags_ += ignores;
        continue;
      }
      return need_ = header + size, input::more;
    }
    need_ = short_header;
    last_large_ = 0;
    ignored_flags_ += ignores;
    if (flags & flag_command) {
      // The body stays where it is: dropped bytes are not written over before room().
      buffer_.drop_front(header + size);
      offset_ += header + size;
      if (!partial_.empty()) pass_over(header + size);
      if (const input got = command_frame(text_of(body, size), into); got != input::more) return got;
      continue;
    }
    buffer_.drop_front(header + size);
    offset_ += header + size;
    if (flags == 0 && partial_.empty() && !subscriptions_) [[likely]] {
      into = buffer_.take(body, size);
      return input::message;
    }
    if (const input got = message_frame(buffer_.take(body, size), flags, into); got != input::more) return got;
  }
}

// What can be said of a frame by its header alone, before anything is waited or allocated for.
bool decoder::header_allowed(unsigned flags, std::uint64_t size) {
  if (flags & flag_command) {
    if (size <= most_.command) [[likely]]
      return true;
    fail(rule::command_size, std::to_string(size) + " octets", offset_);
    return false;
  }
  // Both are below 2^63: the one by the protocol, the other is memory that there is.
  if (size + partial_bytes_ > most_.message) [[unlikely]] {
    std::string value = std::to_string(size) + " octets";
    if (!partial_.empty())
      value += " after " + std::to_string(partial_.bytes()) + " in " + std::to_string(partial_.size()) +
               " frames of the same message";
    fail(rule::message_size, std::move(value), offset_);
    return false;
  }
  if (partial_.size() >= most_.frames) [[unlikely]] {
    fail(rule::message_frames, "more than " + std::to_string(most_.frames), offset_);
    return false;
  }
  return true;
}

// From now on the frame's body goes to large_. False: first another octet is needed, or failed.
bool decoder::begin_large(const std::byte* body, std::size_t have, std::size_t size, unsigned flags) {
  const std::size_t header = static_cast<std::size_t>(body - buffer_.data());
  if (subscriptions_ && flags == 0 && partial_.empty() && size > most_.topic + 1) {
    // A subscription or a message: the first octet tells.
    if (have == 0) return need_ = header + 1, false;
    if (static_cast<unsigned>(*body) <= 1) {
      fail(rule::topic_size, std::to_string(size - 1) + " octets", offset_);
      return false;
    }
  }
  large_.begin(size, flags);
  buffer_.drop_front(header);
  offset_ += header;
  need_ = 1;
  return true;
}

// Moves what is in buffer_ of the long frame to large_. False: bytes are missing, or failed.
bool decoder::absorb_large() {
  while (large_.missing() != 0 && buffer_.size() != 0) {
    const mutable_buffer room = large_.room();
    if (room.empty()) {
      fail(rule::memory, "none for " + std::to_string(large_.size()) + " octets", offset_);
      return false;
    }
    const std::size_t n = std::min({buffer_.size(), large_.missing(), room.size()});
    std::memcpy(room.data(), buffer_.data(), n);
    large_.filled(n);
    buffer_.drop_front(n);
  }
  if (large_.missing() != 0) return false;
  offset_ += large_.size();
  return true;
}

input decoder::message_frame(frame f, unsigned flags, message& into) {
  const bool last = (flags & flag_more) == 0;
  if (subscriptions_ && last && partial_.empty() && !f.empty() && static_cast<unsigned>(f.data()[0]) <= 1) {
    if (f.size() - 1 > most_.topic)
      return fail(rule::topic_size, std::to_string(f.size() - 1) + " octets", offset_ - f.size());
    const bool subscribes = static_cast<unsigned>(f.data()[0]) == 1;
    into = frame(f.text().substr(1));
    return subscribes ? input::subscribe : input::cancel;
  }
  if (last && partial_.empty()) {
    into = std::move(f);
    return input::message;
  }
  partial_bytes_ += f.size() + sizeof(frame);
  partial_.push_back(std::move(f));
  if (!last) return input::more;
  into = std::move(partial_);
  partial_bytes_ = 0;
  partial_own_ = passed_over_ = 0;
  return input::message;
}

// A command stood between frames of a message. A peer that sends a short frame and a long command, again and again,
// may not make each frame keep a buffer: they get memory of their own, each once.
void decoder::pass_over(std::size_t octets) {
  passed_over_ += octets;
  if (passed_over_ < most_passed_over) return;
  for (; partial_own_ < partial_.size(); ++partial_own_) partial_[partial_own_].compact();
  passed_over_ = 0;
}

// libzmq sends PING wherever it happens to be, between the frames of one message too.
input decoder::command_frame(std::string_view body, message& into) {
  const std::uint64_t at = offset_ - body.size();
  command c;
  if (!read_command(body, at, c, failure_)) return end();
  const std::uint64_t data_at = offset_ - c.data.size();
  if (c.name == "PING") {
    std::string_view context;
    if (!read_ping(c.data, data_at, ping_ttl_, context, failure_)) return end();
    into = frame(context);
    return input::ping;
  }
  if (c.name == "PONG") {
    if (c.data.size() > most_ping_context)
      return fail(rule::ping_context, std::to_string(c.data.size()) + " octets", data_at);
    into = frame(c.data);
    return input::pong;
  }
  if (subscriptions_ && (c.name == "SUBSCRIBE" || c.name == "CANCEL")) {
    if (c.data.size() > most_.topic) return fail(rule::topic_size, std::to_string(c.data.size()) + " octets", data_at);
    into = frame(c.data);
    return c.name == "SUBSCRIBE" ? input::subscribe : input::cancel;
  }
  if (c.name == "READY" || c.name == "HELLO" || c.name == "WELCOME" || c.name == "INITIATE")
    return fail(rule::command_after_handshake, std::string(c.name), at);
  if (c.name == "ERROR") {
    std::string_view reason;
    if (!read_error(c.data, data_at, reason, failure_)) return end();
    return fail(rule::refused_by_peer, printable(reason), at);
  }
  ++ignored_commands_;
  return input::more;
}

input decoder::fail(rule r, std::string value, std::uint64_t at) {
  failure_ = {r, std::move(value), at};
  return end();
}

input decoder::end() noexcept {
  partial_.clear();
  partial_bytes_ = 0;
  large_.reset();
  buffer_.reset();
  return input::failed;
}

}  // namespace weir::net::zmtp
