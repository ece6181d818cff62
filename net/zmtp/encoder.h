// weir::net::zmtp::encoder: messages and commands in, pieces of bytes out, to be written as one.
//   add, subscribe, cancel, ping, pong   append
//   pieces(), wrote(n)                   for a vectored write
//
// Thread-safety: one thread at a time; it need not be the one that uses the connection's decoder.
//
// Headers and short bodies are copied into one buffer; bodies of copy_limit octets and more stay where they are, and
// are kept until they are written. All is given back once everything has been written, so write it all now and then:
//   while (take(m)) { out.add(std::move(m)); if (out.pending() >= 64 * 1024) flush(); }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "weir/net/buffer.h"
#include "weir/net/message.h"
#include "weir/net/zmtp/greeting.h"

namespace weir::net::zmtp {

class encoder {
 public:
  // `spoken`: handshake::version(); in ZMTP 3.0 subscriptions are messages.
  explicit encoder(protocol_version spoken = {}) : commands_(spoken.has_commands()) {}

  // Appends a message, all of its frames; one without frames is none. Allocates if the buffer has to grow.
  void add(message&& m);
  void add(const message& m);  // shares what is not copied
  void subscribe(std::string_view topic);
  void cancel(std::string_view topic);
  // `ttl`: in tenths of a second. REQUIRES: context has at most 16 octets; the peer speaks 3.1, see heartbeat.h.
  void ping(std::uint16_t ttl, std::string_view context);
  void pong(std::string_view context);

  // Octets that are not written yet.
  std::size_t pending() const noexcept { return total_ - written_; }
  bool empty() const noexcept { return total_ == written_; }
  // All of them, in order, valid until the next call of anything else.
  std::span<const const_buffer> pieces();
  // The first `n` of pieces() have been written.
  void wrote(std::size_t n) noexcept;

  static constexpr std::size_t copy_limit = 4 * 1024;

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
  bool copy_frame(const frame& f, unsigned flags);
  void keep_frame(frame f);
  void command(std::string_view name, std::string_view data);
  void subscription(std::string_view command_name, char first, std::string_view topic);

  std::unique_ptr<std::byte[]> buffer_;
  std::size_t used_ = 0, capacity_ = 0;
  std::size_t total_ = 0, written_ = 0;  // octets, of buffer_ and bodies_
  std::vector<body> bodies_;
  std::vector<const_buffer> pieces_;
  bool commands_;
};

}  // namespace weir::net::zmtp
