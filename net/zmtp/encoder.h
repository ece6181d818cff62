// weir::net::zmtp::encoder: messages and commands in, pieces of bytes out, to be written as one.
//   add, subscribe, cancel, ping, pong   append
//   pieces(), wrote(n)                   for a vectored write
//
// Thread-safety: one thread at a time; it need not be the one that uses the connection's decoder.
//
// Headers and short bodies are copied into one buffer; bodies of copy_limit octets and more stay where they are, and
// are kept until they are written. What throws std::bad_alloc has appended nothing, and taken nothing of a message.
// What is written is used again; memory for more than most_kept goes once everything has been written:
//   while (take(m)) { out.add(std::move(m)); if (out.pending() >= 64 * 1024) flush(); }
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "weir/net/buffer.h"
#include "weir/net/message.h"
#include "weir/net/zmtp/greeting.h"
#include "weir/runtime/base/site.h"

namespace weir::net::zmtp {

class encoder {
 public:
  // `spoken`: handshake::version(); in ZMTP 3.0 subscriptions are messages.
  explicit encoder(protocol_version spoken = {}) : commands_(spoken.has_commands()) {}

  // Appends a message, all of its frames; one without frames is none. Allocates if the buffer has to grow.
  void add(message&& m);
  void add(const message& m);  // shares what is not copied
  // Throws misuse if the topic has more than limits::most_topic octets: peers may refuse it, as this side does.
  void subscribe(std::string_view topic, site where = site::current());
  void cancel(std::string_view topic, site where = site::current());
  // `ttl`: in tenths of a second. REQUIRES: context has at most 16 octets; the peer speaks 3.1, see heartbeat.h.
  void ping(std::uint16_t ttl, std::string_view context);
  // While an earlier PONG is not written yet this one waits for it, and takes the place of one that waits already: a
  // peer that sends PING and does not read makes this side keep two. REQUIRES: context has at most 16 octets.
  void pong(std::string_view context);

  // Octets that are not written yet: those of pieces(), and of a PONG that waits.
  std::size_t pending() const noexcept { return total_ - written_ + waiting_octets(); }
  bool empty() const noexcept { return pending() == 0; }
  // All of them, in order, but for a PONG that waits for one of them; valid until the next call of anything else. They
  // may be more than a writev takes: give it the first IOV_MAX (1024), and tell wrote() what went.
  std::span<const const_buffer> pieces();
  // The first `n` octets of pieces() have been written. Gives back the bodies that are among them.
  void wrote(std::size_t n) noexcept;
  // Octets of memory for what is copied.
  std::size_t capacity() const noexcept { return capacity_; }

  static constexpr std::size_t copy_limit = 4 * 1024;
  static constexpr std::size_t most_kept = 128 * 1024;  // of capacity(), by one that is empty

 private:
  struct body {
    std::size_t before;  // octets of buffer_ that come before it
    frame bytes;
  };

  std::byte* grow(std::size_t by) {
    if (capacity_ - used_ < by) [[unlikely]]
      enlarge(by);
    return buffer_.get() + used_;
  }
  void took(std::size_t n) noexcept { used_ += n, total_ += n; }
  void enlarge(std::size_t by);
  void forget_written() noexcept;
  std::size_t waiting_octets() const noexcept { return waiting_ < 0 ? 0 : 7 + static_cast<std::size_t>(waiting_); }
  void make_room(const message& m);
  bool copy_frame(const frame& f, unsigned flags) noexcept;
  void keep_frame(frame f) noexcept;
  void command(std::string_view name, std::string_view data);
  void subscription(std::string_view command_name, char first, std::string_view topic, site where);

  std::unique_ptr<std::byte[]> buffer_;
  std::size_t used_ = 0, capacity_ = 0;
  std::size_t total_ = 0, written_ = 0;  // octets, of buffer_ and bodies_
  std::vector<body> bodies_;
  std::size_t gone_ = 0, gone_octets_ = 0;  // so many of bodies_, from the front, are written, and given back
  std::size_t pong_end_ = 0;                // of total_: the last PONG ends there
  std::array<char, 16> waiting_context_{};
  int waiting_ = -1;  // octets of the context of the PONG that waits; -1: none does
  std::vector<const_buffer> pieces_;
  bool commands_;
};

}  // namespace weir::net::zmtp
