#include "weir/net/zmtp/encoder.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "weir/net/zmtp/command.h"
#include "weir/net/zmtp/frame_header.h"
#include "weir/net/zmtp/limits.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::zmtp {

// Begins the buffer with what is not written yet, or a larger one; the first only if that wins half of it, so that no
// octet is moved for less than one that was written.
void encoder::enlarge(std::size_t by) {
  const std::size_t used = used_;
  if (written_ >= used / 2) forget_written();
  if (used - used_ >= used / 2 && capacity_ - used_ >= by) return;
  const std::size_t larger = std::max<std::size_t>({capacity_ * 2, used_ + by, 4 * 1024});
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(larger);
  if (used_ != 0) std::memcpy(bytes.get(), buffer_.get(), used_);
  buffer_ = std::move(bytes);
  capacity_ = larger;
}

// Moves what is not written yet to the front of buffer_ and bodies_.
void encoder::forget_written() noexcept {
  std::size_t octets = written_ - gone_octets_;  // of buffer_
  if (gone_ < bodies_.size()) octets = std::min(octets, bodies_[gone_].before);
  if (octets != 0) std::memmove(buffer_.get(), buffer_.get() + octets, used_ - octets);
  bodies_.erase(bodies_.begin(), bodies_.begin() + static_cast<std::ptrdiff_t>(gone_));
  for (body& b : bodies_) b.before -= octets;
  const std::size_t all = octets + gone_octets_;
  used_ -= octets;
  total_ -= all, written_ -= all;
  pong_end_ -= std::min(pong_end_, all);
  gone_ = gone_octets_ = 0;
}

// Throws if there is no memory for all of m: what follows does not.
inline void encoder::make_room(const message& m) {
  std::size_t octets = 0, kept = 0;
  for (const frame& f : m) {
    octets += long_header;
    if (f.is_inline())
      octets += frame::inline_capacity;
    else if (f.size() < copy_limit)
      octets += f.size();
    else
      ++kept;
  }
  grow(octets);
  if (bodies_.capacity() - bodies_.size() >= kept) [[likely]]
    return;
  if (gone_ > bodies_.size() / 2) forget_written();
  if (bodies_.capacity() - bodies_.size() < kept)
    bodies_.reserve(std::max(bodies_.size() + kept, 2 * bodies_.capacity()));
}

// Appends the frame's header, and its body unless it is long: then false. REQUIRES: make_room()
inline bool encoder::copy_frame(const frame& f, unsigned flags) noexcept {
  const std::size_t size = f.size();
  std::byte* const at = buffer_.get() + used_;
  if (f.is_inline()) [[likely]] {
    // A fixed size takes a few moves, where the body's would take a call.
    at[0] = static_cast<std::byte>(flags), at[1] = static_cast<std::byte>(size);
    std::memcpy(at + short_header, f.data(), frame::inline_capacity);
    took(short_header + size);
    return true;
  }
  const bool copies = size < copy_limit;
  const std::size_t header = write_header(at, flags, size);
  if (copies) std::memcpy(at + header, f.data(), size);
  took(header + (copies ? size : 0));
  return copies;
}

inline void encoder::keep_frame(frame f) noexcept {
  total_ += f.size();
  bodies_.push_back({used_, std::move(f)});
}

void encoder::add(message&& m) {
  make_room(m);
  const std::size_t last = m.size() - 1;
  for (std::size_t i = 0; i < m.size(); ++i)
    if (!copy_frame(m[i], i == last ? 0 : flag_more)) keep_frame(std::move(m[i]));
}

void encoder::add(const message& m) {
  make_room(m);
  const std::size_t last = m.size() - 1;
  for (std::size_t i = 0; i < m.size(); ++i)
    if (!copy_frame(m[i], i == last ? 0 : flag_more)) keep_frame(m[i].copy());
}

void encoder::command(std::string_view name, std::string_view data) {
  std::string bytes;
  write_command(bytes, name, data);
  std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
  took(bytes.size());
}

void encoder::subscription(std::string_view command_name, char first, std::string_view topic, site where) {
  if (topic.size() > limits::most_topic)
    weir::internal::throw_misuse("zmtp::encoder", "a topic has at most 64 KiB",
                                 std::to_string(topic.size()) + " octets",
                                 "Subscribe to a prefix of it, and filter what comes.", where);
  if (commands_) return command(command_name, topic);
  std::byte* const at = grow(long_header + 1 + topic.size());
  const std::size_t header = write_header(at, 0, 1 + topic.size());
  at[header] = static_cast<std::byte>(first);
  if (!topic.empty()) std::memcpy(at + header + 1, topic.data(), topic.size());
  took(header + 1 + topic.size());
}

void encoder::subscribe(std::string_view topic, site where) { subscription("SUBSCRIBE", 1, topic, where); }
void encoder::cancel(std::string_view topic, site where) { subscription("CANCEL", 0, topic, where); }
void encoder::ping(std::uint16_t ttl, std::string_view context) { command("PING", ping_data(ttl, context)); }

void encoder::pong(std::string_view context) {
  if (pong_end_ > written_) {
    waiting_ = static_cast<int>(std::min(context.size(), waiting_context_.size()));
    std::memcpy(waiting_context_.data(), context.data(), static_cast<std::size_t>(waiting_));
    return;
  }
  command("PONG", context);
  pong_end_ = total_;
}

std::span<const const_buffer> encoder::pieces() {
  if (waiting_ >= 0 && pong_end_ <= written_) {
    pong({waiting_context_.data(), static_cast<std::size_t>(waiting_)});
    waiting_ = -1;
  }
  pieces_.clear();
  std::size_t from = gone_ == 0 ? 0 : bodies_[gone_ - 1].before;
  std::size_t skip = written_ - gone_octets_ - from;
  const auto piece = [&](const std::byte* at, std::size_t size) {
    const std::size_t skipped = std::min(skip, size);
    skip -= skipped;
    if (size != skipped) pieces_.emplace_back(at + skipped, size - skipped);
  };
  for (std::size_t i = gone_; i < bodies_.size(); ++i) {
    const body& b = bodies_[i];
    piece(buffer_.get() + from, b.before - from);
    piece(b.bytes.data(), b.bytes.size());
    from = b.before;
  }
  piece(buffer_.get() + from, used_ - from);
  return pieces_;
}

void encoder::wrote(std::size_t n) noexcept {
  written_ += n;
  for (; gone_ < bodies_.size(); ++gone_) {
    body& b = bodies_[gone_];
    if (written_ < b.before + gone_octets_ + b.bytes.size()) break;
    gone_octets_ += b.bytes.size();
    b.bytes = frame();
  }
  if (written_ != total_) return;
  bodies_.clear();
  used_ = total_ = written_ = gone_ = gone_octets_ = pong_end_ = 0;
  if (capacity_ > most_kept) buffer_.reset(), capacity_ = 0;
  if (bodies_.capacity() > most_kept / sizeof(body))
    bodies_ = std::vector<body>(), pieces_ = std::vector<const_buffer>();
}

}  // namespace weir::net::zmtp
