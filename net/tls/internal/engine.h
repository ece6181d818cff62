// One side of a TLS connection without the connection: bytes in, bytes out. The only caller of OpenSSL while one lasts.
//
// Thread-safety: none, but for what is said of room(); tls_core locks. Nothing here parks.
//
// Invariants:
//  1. OpenSSL never meets a full output, so that a write never has to be repeated, and never reads: see in_pieces().
//  2. The thread's queue of OpenSSL errors is empty before each call into OpenSSL, and read right after it.
//  3. `starved` is said only when all that has arrived was taken.
//  4. At most 32 messages of TLS itself (new keys, tickets), each in a record of its own, come between two texts; with
//  more the peer has no good in mind, as each costs this side far more than the peer, and the connection is broken. No
//  call takes more of them, so that none holds tls_core's lock for long.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/net/tls/internal/context.h"
#include "weir/net/tls/internal/failure.h"
#include "weir/net/tls/internal/openssl.h"

namespace weir::net::internal {

class engine {
 public:
  enum class step : std::uint8_t {
    done,
    starved,  // nothing before more arrives
    end,      // the peer has said close_notify
    failed,   // failure() says why, from now on to every call
  };

  // `host`: the server's name, for clients, as start_tls has checked it. `server`: by what its sessions are kept.
  engine(tls_context& of, std::string_view host, std::string server);
  engine(const engine&) = delete;
  ~engine();

  // What arrives from the peer is put into room(), and then taken over. By one at a time, who is also the only caller
  // of handshake, read and look; beside write and end_writing.
  iovec room();
  void arrived(std::size_t n) noexcept { to_ += n; }
  void give(std::string_view came_before);

  step handshake() noexcept;
  // `got`: bytes read, if done.
  step read(void* into, std::size_t most, std::size_t& got) noexcept;
  // Whether read() would say anything but `starved`.
  step look() noexcept;
  // Takes from the front at least one byte, and at most 64 KiB; how many, is in `took`, if done. `starved`:
  // in_pieces(). REQUIRES: there is one. Throws std::bad_alloc, and then nothing has been taken.
  step write(const iovec* from, int count, std::size_t& took);
  // Says close_notify; false: it cannot be said, or not as long as in_pieces().
  bool end_writing() noexcept;
  // A message of TLS itself (new keys, a ticket) has come in part. Until read() or look() has met the rest OpenSSL
  // would take a write for one more reason to read, and so there is none.
  bool in_pieces() const noexcept { return agreed_ && !failure_ && SSL_in_init(ssl_.get()) == 1; }

  // For the peer, in order; whoever takes some takes it off.
  std::vector<std::byte> output;

  const std::optional<tls_failure>& why() const noexcept { return failure_; }
  bool agreed() const noexcept { return agreed_; }
  SSL& ssl() const noexcept { return *ssl_; }
  const tls_context& context() const noexcept { return context_; }

  // For OpenSSL's callbacks.
  static engine& of(const SSL* ssl) noexcept { return *static_cast<engine*>(SSL_get_app_data(ssl)); }
  static int verified(int ok, X509_STORE_CTX* store) noexcept;
  bool keep_session(SSL_SESSION* session) noexcept;

 private:
  friend struct engine_bio;

  step concluded(int result) noexcept;
  void fail(const char* text) noexcept;
  // Calls SSL_read or SSL_peek until all that has arrived is taken, or there is text. `call`: int().
  template <class Call>
  step take(Call call) noexcept;
  // Counts what comes, once it is agreed.
  static void met(int is_written, int version, int kind, const void* data, std::size_t size, SSL* ssl, void*) noexcept;
  void expect_host();

  tls_context& context_;
  const std::string host_, server_;
  std::vector<std::byte> input_;  // [from_, to_) has arrived and is not taken
  std::size_t from_ = 0, to_ = 0;
  bool agreed_ = false;
  unsigned silent_ = 0;  // records, and messages of TLS in them, since there was text
  std::optional<tls_failure> failure_;
  refused_certificate refused_;
  ssl_ptr ssl_;
};

}  // namespace weir::net::internal
