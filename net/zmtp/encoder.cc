#include "weir/net/zmtp/encoder.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "weir/net/zmtp/command.h"
#include "weir/net/zmtp/frame_header.h"

namespace weir::net::zmtp {

void encoder::enlarge(std::size_t by) {
  const std::size_t larger = std::max<std::size_t>({capacity_ * 2, used_ + by, 4 * 1024});
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(larger);
  if (used_ != 0) std::memcpy(bytes.get(), buffer_.get(), used_);
  buffer_ = std::move(bytes);
  capacity_ = larger;
}

// Appends the frame's header, and its body unless it is long: then false.
inline bool encoder::copy_frame(const frame& f, unsigned flags) {
  const std::size_t size = f.size();
  if (f.is_inline()) [[likely]] {
    // A fixed size takes a few moves, where the body's would take a call.
    std::byte* const at = grow(short_header + frame::inline_capacity);
    at[0] = static_cast<std::byte>(flags), at[1] = static_cast<std::byte>(size);
    std::memcpy(at + short_header, f.data(), frame::inline_capacity);
    took(short_header + size);
    return true;
  }
  const bool copies = size < copy_limit;
  std::byte* const at = grow(long_header + (copies ? size : 0));
  const std::size_t header = write_header(at, flags, size);
  if (copies) std::memcpy(at + header, f.data(), size);
  took(header + (copies ? size : 0));
  return copies;
}

void encoder::keep_frame(frame f) {
  total_ += f.size();
  bodies_.push_back({used_, std::move(f)});
}

void encoder::add(message&& m) {
  const std::size_t last = m.size() - 1;
  for (std::size_t i = 0; i < m.size(); ++i)
    if (!copy_frame(m[i], i == last ? 0 : flag_more)) keep_frame(std::move(m[i]));
}

void encoder::add(const message& m) {
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

void encoder::subscription(std::string_view command_name, char first, std::string_view topic) {
  if (commands_) return command(command_name, topic);
  std::byte* const at = grow(long_header + 1 + topic.size());
  const std::size_t header = write_header(at, 0, 1 + topic.size());
  at[header] = static_cast<std::byte>(first);
  if (!topic.empty()) std::memcpy(at + header + 1, topic.data(), topic.size());
  took(header + 1 + topic.size());
}

void encoder::subscribe(std::string_view topic) { subscription("SUBSCRIBE", 1, topic); }
void encoder::cancel(std::string_view topic) { subscription("CANCEL", 0, topic); }
void encoder::ping(std::uint16_t ttl, std::string_view context) { command("PING", ping_data(ttl, context)); }
void encoder::pong(std::string_view context) { command("PONG", context); }

std::span<const const_buffer> encoder::pieces() {
  pieces_.clear();
  std::size_t skip = written_;
  const auto piece = [&](const std::byte* at, std::size_t size) {
    const std::size_t skipped = std::min(skip, size);
    skip -= skipped;
    if (size != skipped) pieces_.emplace_back(at + skipped, size - skipped);
  };
  std::size_t from = 0;
  for (const body& b : bodies_) {
    piece(buffer_.get() + from, b.before - from);
    piece(b.bytes.data(), b.bytes.size());
    from = b.before;
  }
  piece(buffer_.get() + from, used_ - from);
  return pieces_;
}

void encoder::wrote(std::size_t n) noexcept {
  written_ += n;
  if (written_ != total_) return;
  bodies_.clear();
  used_ = total_ = written_ = 0;
}

}  // namespace weir::net::zmtp
