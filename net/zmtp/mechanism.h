// weir::net::zmtp::mechanism: what a security mechanism does between greeting and traffic. NULL and PLAIN are here;
// CURVE has its place beside them.
//
// Thread-safety: one thread at a time; each belongs to a handshake.
#pragma once

#include <memory>
#include <string_view>

#include "weir/net/zmtp/command.h"
#include "weir/net/zmtp/handshake.h"

namespace weir::net::zmtp {

class mechanism {
 public:
  explicit mechanism(handshake& of) noexcept : of_(of) {}
  mechanism(const mechanism&) = delete;
  virtual ~mechanism() = default;

  // Both greetings are there.
  virtual void begin() = 0;
  // A command has come; `offset` is that of its body.
  virtual void received(const command& c, std::uint64_t offset) = 0;
  // The credentials that it has shown are good.
  virtual void accepted() {}

 protected:
  const handshake_options& options() const noexcept { return of_.options_; }
  peer_info& peer() noexcept { return of_.peer_; }

  void send(std::string_view name, std::string_view data) { write_command(of_.out_, name, data); }
  void send_metadata(std::string_view name);
  // Takes the peer's metadata. False: the handshake has failed.
  bool take_metadata(std::string_view data, std::uint64_t offset);
  void ask(std::string_view username, std::string_view password);
  void done() noexcept { of_.status_ = handshake_status::done; }
  void fail(violation v);
  // The same, and tells the peer, by a word.
  void refuse(violation v);
  // Another command than `wanted`: ERROR is the peer's reason.
  void unexpected(const command& c, std::uint64_t offset, std::string_view wanted);

 private:
  bool check_peer(std::uint64_t offset, violation& failure);

  handshake& of_;
};

std::string_view mechanism_name(security s) noexcept;  // "PLAIN"
std::unique_ptr<mechanism> make_null(handshake& of);
std::unique_ptr<mechanism> make_plain(handshake& of);

}  // namespace weir::net::zmtp
