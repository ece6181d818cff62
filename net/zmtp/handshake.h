// weir::net::zmtp::handshake: a connection up to its first message: greetings, security mechanism, metadata.
//   output(), sent(n)     what is to be written now
//   feed(bytes)           what has been read; takes what belongs to the handshake
//   status()              goes on, wants a decision about credentials, is done, has failed
//
// Thread-safety: one thread at a time.
//
// Write output() whenever there is some, before anything is read; also when it has failed, as it then may hold the
// reason for the peer. What feed() did not take belongs to a decoder, which is told offset(). It knows no time: the
// caller ends a handshake that takes too long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/net/buffer.h"
#include "weir/net/zmtp/greeting.h"
#include "weir/net/zmtp/limits.h"
#include "weir/net/zmtp/metadata.h"
#include "weir/net/zmtp/peer.h"
#include "weir/net/zmtp/socket_type.h"
#include "weir/net/zmtp/violation.h"
#include "weir/runtime/base/site.h"

namespace weir::net::zmtp {

class mechanism;

enum class security : std::uint8_t { null, plain };

// NULL: client is the side that connected. PLAIN: client is the side that has a username, whoever connected.
enum class role : std::uint8_t { client, server };

struct handshake_options {
  socket_type type = socket_type::pair;
  role side = role::client;
  security mechanism = security::null;
  std::string identity = {};              // announced by REQ, DEALER and ROUTER: at most 255 octets, the first not zero
  std::vector<property> properties = {};  // announced too: names of one's own begin with "X-"
  std::string username = {}, password = {};  // PLAIN, client: at most 255 octets each
  limits most = {};
  protocol_version version = {};  // 3.0 makes the peer send subscriptions as messages
};

enum class handshake_status : std::uint8_t {
  running,      // read, and feed
  credentials,  // the peer has told username() and password(): accept() or deny()
  done,         // peer() is complete
  failed,       // see failure(); write output(), then close
};

class handshake {
 public:
  // Throws misuse if the options are not as told there.
  explicit handshake(handshake_options options, site where = site::current());
  handshake(const handshake&) = delete;
  ~handshake();

  handshake_status status() const noexcept { return status_; }
  role side() const noexcept { return options_.side; }
  std::string_view output() const noexcept { return out_; }
  void sent(std::size_t n) { out_.erase(0, n); }

  // Takes from the front of `bytes`, and returns how much: all of it unless status() is something else than running
  // afterwards. Its memory grows with what has come, up to limits::command. Throws nothing but std::bad_alloc.
  std::size_t feed(const_buffer bytes);

  // REQUIRES: status() is credentials. They are forgotten by accept() and deny(), but for peer().username.
  std::string_view username() const noexcept { return peer_.username; }
  std::string_view password() const noexcept { return password_; }
  void accept();
  // `code`: 300 try again later, 400 the credentials are wrong, 500 something is wrong on this side (RFC 27); or any
  // word. The peer gets it in ERROR; libzmq then does not try again.
  void deny(std::string_view code = "400");

  const peer_info& peer() const noexcept { return peer_; }
  // What both sides speak: for the encoder and the heartbeat. REQUIRES: done.
  protocol_version version() const noexcept {
    return options_.version.has_commands() ? peer_.version : options_.version;
  }
  peer_info&& take_peer() noexcept { return std::move(peer_); }
  const violation& failure() const noexcept { return failure_; }
  // Octets taken so far.
  std::uint64_t offset() const noexcept { return offset_; }

 private:
  friend class mechanism;

  std::size_t take_frame(std::string_view bytes);
  void fail_name(std::string_view body);

  handshake_options options_;
  std::unique_ptr<mechanism> mechanism_;
  handshake_status status_ = handshake_status::running;
  std::string out_;
  greeting_reader greeting_;
  std::string frame_;  // the frame that is being received, with its header
  std::uint64_t offset_ = 0;
  peer_info peer_;
  std::string password_;
  violation failure_;
};

}  // namespace weir::net::zmtp
