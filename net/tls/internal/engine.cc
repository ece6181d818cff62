#include "weir/net/tls/internal/engine.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>

namespace weir::net::internal {
namespace {

// A whole record, so that one of them takes one read: RFC 8446, section 5.2.
constexpr std::size_t record = 5 + 16 * 1024 + 256;
// What goes into one write of the stream below, in records of 16 KiB.
constexpr std::size_t most_at_once = 64 * 1024;
// What comes between two texts: a message counts twice, for itself and for its record.
constexpr unsigned most_silent = 2 * 32;

bool is_address(const std::string& host) noexcept {
  std::array<unsigned char, 16> raw;
  return inet_pton(AF_INET, host.c_str(), raw.data()) == 1 || inet_pton(AF_INET6, host.c_str(), raw.data()) == 1;
}

}  // namespace

// What OpenSSL takes for the connection: reads what has arrived, writes into the output.
struct engine_bio {
  static int read(BIO* bio, char* into, std::size_t most, std::size_t* got) noexcept {
    engine& e = *static_cast<engine*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *got = std::min(most, e.to_ - e.from_);
    if (*got == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(into, e.input_.data() + e.from_, *got);
    e.from_ += *got;
    return 1;
  }
  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* took) noexcept {
    engine& e = *static_cast<engine*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    try {
      const auto* const bytes = reinterpret_cast<const std::byte*>(from);
      e.output.insert(e.output.end(), bytes, bytes + size);
    } catch (const std::bad_alloc&) {
      *took = 0;
      return -1;
    }
    *took = size;
    return 1;
  }
  static long control(BIO*, int what, long, void*) noexcept { return what == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO_METHOD* method() {
    static BIO_METHOD* const the_one = [] {
      BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
      if (made == nullptr) throw std::bad_alloc();
      BIO_meth_set_read_ex(made, &engine_bio::read);
      BIO_meth_set_write_ex(made, &engine_bio::write);
      BIO_meth_set_ctrl(made, &engine_bio::control);
      return made;
    }();
    return the_one;
  }
};

engine::engine(tls_context& of, std::string_view host, std::string server)
    : context_(of), host_(host), server_(std::move(server)), ssl_(SSL_new(of.ctx.get())) {
  if (!ssl_) throw std::bad_alloc();
  SSL_set_app_data(ssl_.get(), this);
  BIO* const bio = BIO_new(engine_bio::method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  if (of.is_server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
    expect_host();
    if (const session_ptr earlier = of.sessions.take(server_)) SSL_set_session(ssl_.get(), earlier.get());
  }
  ERR_clear_error();
}

engine::~engine() = default;

void engine::expect_host() {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl_.get());
  bool known = true;
  if (is_address(host_)) {
    known = X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str()) == 1;
  } else if (!host_.empty()) {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    known = X509_VERIFY_PARAM_set1_host(wanted, host_.data(), host_.size()) == 1 &&
            SSL_set_tlsext_host_name(ssl_.get(), host_.c_str()) == 1;
  }
  if (!known) throw std::bad_alloc();
}

iovec engine::room() {
  if (from_ == to_) from_ = to_ = 0;
  if (input_.size() - to_ < record) input_.resize(to_ + record);
  return {input_.data() + to_, input_.size() - to_};
}

void engine::give(std::string_view came_before) {
  const auto* const bytes = reinterpret_cast<const std::byte*>(came_before.data());
  input_.assign(bytes, bytes + came_before.size());
  to_ = came_before.size();
}

engine::step engine::concluded(int result) noexcept {
  const int how = SSL_get_error(ssl_.get(), result);
  switch (how) {
    case SSL_ERROR_NONE:
      return step::done;
    case SSL_ERROR_ZERO_RETURN:
      if (!in_pieces()) return step::end;
      break;
    case SSL_ERROR_WANT_READ:
      return step::starved;
    default:
      break;
  }
  try {
    if (how == SSL_ERROR_ZERO_RETURN)
      fail("the peer has ended its half in the middle of a message of TLS");
    else
      failure_ = explain(context_.is_server, agreed_, host_, refused_);
  } catch (const std::bad_alloc&) {
    fail("no memory");
  }
  return step::failed;
}

void engine::fail(const char* text) noexcept {
  try {
    failure_ = tls_failure{tls_errc::broken, EPROTO, text};
  } catch (const std::bad_alloc&) {
    failure_ = tls_failure{tls_errc::broken, EPROTO, "no memory"};
  }
}

engine::step engine::handshake() noexcept {
  if (failure_) return step::failed;
  ERR_clear_error();
  const step s = concluded(SSL_do_handshake(ssl_.get()));
  agreed_ = s == step::done;
  if (agreed_) SSL_set_msg_callback(ssl_.get(), &met);
  return s;
}

void engine::met(int is_written, int, int kind, const void*, std::size_t, SSL* ssl, void*) noexcept {
  if (is_written == 0 && (kind == SSL3_RT_HEADER || kind == SSL3_RT_HANDSHAKE)) ++of(ssl).silent_;
}

template <class Call>
engine::step engine::take(Call call) noexcept {
  if (failure_) return step::failed;
  for (;;) {
    const unsigned met_before = silent_;
    const std::size_t from_before = from_;
    ERR_clear_error();
    const step s = concluded(call());
    if (s == step::done) silent_ = 0;
    if (s != step::starved) return s;
    if (silent_ > most_silent) {
      fail("the peer has sent more than 32 messages of TLS itself (new keys, tickets) and no text in between");
      return step::failed;
    }
    // OpenSSL stops after each message (SSL_MODE_AUTO_RETRY is off).
    if (silent_ == met_before && (from_ == from_before || from_ == to_)) return step::starved;
  }
}

engine::step engine::read(void* into, std::size_t most, std::size_t& got) noexcept {
  return take([&] { return SSL_read_ex(ssl_.get(), into, most, &got); });
}

engine::step engine::look() noexcept {
  char one;
  std::size_t got;
  return take([&] { return SSL_peek_ex(ssl_.get(), &one, 1, &got); });
}

engine::step engine::write(const iovec* from, int count, std::size_t& took) {
  if (failure_) return step::failed;
  if (in_pieces()) return step::starved;
  while (from->iov_len == 0) ++from, --count;
  iovec piece{from->iov_base, std::min(from->iov_len, most_at_once)};
  std::vector<std::byte> one;
  if (count > 1 && piece.iov_len < 16 * 1024) {
    // Small pieces share a record.
    one.reserve(16 * 1024);
    for (; count > 0 && one.size() < one.capacity(); ++from, --count) {
      const auto* const bytes = static_cast<const std::byte*>(from->iov_base);
      one.insert(one.end(), bytes, bytes + std::min(from->iov_len, one.capacity() - one.size()));
    }
    piece = {one.data(), one.size()};
  }
  // With this no write into the output fails for want of memory.
  output.reserve(output.size() + piece.iov_len + (piece.iov_len / (16 * 1024) + 2) * 512);
  ERR_clear_error();
  const step s = concluded(SSL_write_ex(ssl_.get(), piece.iov_base, piece.iov_len, &took));
  if (s == step::done || s == step::failed) return s;
  fail("a write had to wait for a read, which TLS here never asks for");
  return step::failed;
}

bool engine::end_writing() noexcept {
  if (failure_ || !agreed_ || in_pieces()) return false;
  ERR_clear_error();
  const bool said = SSL_shutdown(ssl_.get()) >= 0;  // less: there is nobody left to say it to
  ERR_clear_error();
  return said;
}

int engine::verified(int ok, X509_STORE_CTX* store) noexcept {
  if (ok != 0) return 1;
  const auto* const ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  engine& e = of(ssl);
  if (!e.context_.verifies) return 1;
  if (X509* const one = X509_STORE_CTX_get_current_cert(store)) {
    X509_up_ref(one);
    e.refused_.which.reset(one);
  }
  e.refused_.error = X509_STORE_CTX_get_error(store);
  return 0;
}

bool engine::keep_session(SSL_SESSION* session) noexcept {
  try {
    // If there is no memory for it, it is OpenSSL's still.
    context_.sessions.put(server_, session);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace weir::net::internal
