#include "weir/net/tls/internal/context.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <new>

#include "weir/net/tls/internal/engine.h"
#include "weir/net/tls/tls_error.h"

namespace weir::net::internal {
namespace {

// What this thread's last OpenSSL call complained of; its queue is empty then.
std::string complaint() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : fmt::format("code {}", code);
}

// Not a key that was given for a path.
std::string name_of(const pem& from) {
  if (!from.is_file()) return "text";
  const bool is_text = from.value().find_first_of("\r\n") != std::string::npos ||
                       from.value().find("-----BEGIN") != std::string::npos || from.value().size() > 4096;
  return is_text ? "a text given as a path (use pem::text)" : from.value();
}

[[noreturn]] void refuse(const pem& from, const std::string& happened) {
  throw tls_error(tls_errc::unusable, "load", name_of(from), happened);
}

std::string content_of(const pem& from) {
  if (!from.is_file()) return from.value();
  errno = 0;
  std::ifstream file(from.value(), std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) throw error(errno != 0 ? errno : EIO, "load", name_of(from));
  return content;
}

// For a key with a passphrase: OpenSSL would ask for it on the terminal.
int no_passphrase(char*, int, int, void*) noexcept { return -1; }

// Calls each(x509_ptr) for the certificates of a file, in order.
template <class Each>
void for_certificates(const pem& from, Each each) {
  const std::string content = content_of(from);
  const bio_ptr text(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  if (!text) throw std::bad_alloc();
  ERR_clear_error();
  int count = 0;
  while (x509_ptr one{PEM_read_bio_X509(text.get(), nullptr, &no_passphrase, nullptr)}) {
    ++count;
    // OpenSSL keeps with a certificate what its extensions say: here, while it is nobody else's, and not in the first
    // of several handshakes, which would do it for the others by atomics that ThreadSanitizer does not see.
    X509_check_purpose(one.get(), -1, 0);
    each(std::move(one));
  }
  const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!is_end) refuse(from, fmt::format("certificate {} cannot be read: {}", count + 1, complaint()));
  ERR_clear_error();
  if (count == 0) refuse(from, "no certificate in it. It must have lines like -----BEGIN CERTIFICATE-----");
}

ssl_ctx_ptr new_ctx(const SSL_METHOD* method, tls_version oldest, tls_version newest) {
  const auto number = [](tls_version v) { return v == tls_version::v1_2 ? TLS1_2_VERSION : TLS1_3_VERSION; };
  ERR_clear_error();
  ssl_ctx_ptr made(SSL_CTX_new(method));
  if (!made) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(made.get(), number(oldest));
  SSL_CTX_set_max_proto_version(made.get(), number(newest));
  // A renegotiation would make a write wait for a read.
  SSL_CTX_set_options(made.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS);
  // It stops after each message that is no text: the engine counts them.
  SSL_CTX_clear_mode(made.get(), SSL_MODE_AUTO_RETRY);
  return made;
}

void use_identity(SSL_CTX& ctx, const pem& certificate, const pem& key) {
  if (certificate.empty()) return;
  bool first = true;
  for_certificates(certificate, [&](x509_ptr one) {
    if (!std::exchange(first, false)) {
      if (SSL_CTX_add0_chain_cert(&ctx, one.get()) != 1) refuse(certificate, complaint());
      one.release();
    } else if (SSL_CTX_use_certificate(&ctx, one.get()) != 1) {
      refuse(certificate, fmt::format("the certificate cannot be used: {}", complaint()));
    }
  });
  const std::string content = content_of(key);
  const bio_ptr text(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  if (!text) throw std::bad_alloc();
  ERR_clear_error();
  const key_ptr read(PEM_read_bio_PrivateKey(text.get(), nullptr, &no_passphrase, nullptr));
  if (!read)
    refuse(key, fmt::format("no private key without a passphrase in it ({}). Remove the passphrase: openssl pkey -in "
                            "KEY -out PLAIN",
                            complaint()));
  if (SSL_CTX_use_PrivateKey(&ctx, read.get()) != 1 || SSL_CTX_check_private_key(&ctx) != 1)
    refuse(key, fmt::format("it is not the key of the certificate in {} ({})", name_of(certificate), complaint()));
}

void trust(SSL_CTX& ctx, const std::vector<pem>& cas, bool name_them) {
  X509_STORE* const store = SSL_CTX_get_cert_store(&ctx);
  for (const pem& ca : cas)
    for_certificates(ca, [&](x509_ptr one) {
      if (X509_STORE_add_cert(store, one.get()) != 1 || (name_them && SSL_CTX_add_client_CA(&ctx, one.get()) != 1))
        refuse(ca, complaint());
    });
}

std::string on_the_wire(const std::vector<std::string>& protocols) {
  std::string all;
  for (const std::string& p : protocols) all += static_cast<char>(p.size()) + p;
  return all;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void* of) noexcept {
  const std::string& ours = static_cast<const tls_context*>(of)->protocols;
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

int take_session(SSL* of, SSL_SESSION* session) noexcept {
  return engine::of(of).keep_session(session) ? 1 : 0;  // 1: it is ours now
}

}  // namespace

tls_context::tls_context(const tls_client_options& options)
    : is_server(false),
      verifies(options.verify),
      protocols(on_the_wire(options.alpn)),
      handshake_limit(options.handshake_limit),
      sessions(options.sessions),
      ctx(new_ctx(TLS_client_method(), options.oldest, options.newest)) {
  use_identity(*ctx, options.certificate, options.key);
  trust(*ctx, options.ca, false);
  if (options.verify && options.ca.empty() && SSL_CTX_set_default_verify_paths(ctx.get()) != 1)
    throw tls_error(tls_errc::unusable, "load", "the system's CAs", complaint());
  SSL_CTX_set_verify(ctx.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, &engine::verified);
  if (!protocols.empty())
    SSL_CTX_set_alpn_protos(ctx.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
  SSL_CTX_set_session_cache_mode(
      ctx.get(), sessions.keeps_any() ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE : SSL_SESS_CACHE_OFF);
  SSL_CTX_sess_set_new_cb(ctx.get(), &take_session);
  ERR_clear_error();
}

tls_context::tls_context(const tls_server_options& options)
    : is_server(true),
      verifies(options.clients != tls_clients::anybody),
      protocols(on_the_wire(options.alpn)),
      handshake_limit(options.handshake_limit),
      sessions(0),
      ctx(new_ctx(TLS_server_method(), options.oldest, options.newest)) {
  use_identity(*ctx, options.certificate, options.key);
  trust(*ctx, options.client_ca, true);
  int mode = SSL_VERIFY_NONE;
  if (options.clients == tls_clients::known) mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  if (options.clients == tls_clients::either) mode = SSL_VERIFY_PEER;
  SSL_CTX_set_verify(ctx.get(), mode, &engine::verified);
  if (!protocols.empty()) SSL_CTX_set_alpn_select_cb(ctx.get(), &choose_protocol, this);
  SSL_CTX_set_options(ctx.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_dh_auto(ctx.get(), 1);
  // What is resumed lies in tickets, with the clients.
  SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
  constexpr unsigned char name[] = "weir";  // a server that asks for certificates must have one
  SSL_CTX_set_session_id_context(ctx.get(), name, sizeof name - 1);
  if (!options.resume) {
    SSL_CTX_set_options(ctx.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx.get(), 0);
  }
  ERR_clear_error();
}

}  // namespace weir::net::internal
