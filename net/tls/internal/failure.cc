#include "weir/net/tls/internal/failure.h"

#include <fmt/core.h>
#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "weir/net/tls/internal/certificate.h"

namespace weir::net::internal {
namespace {

// The first of the names that a certificate is for.
std::string shown_names(X509& of) {
  constexpr std::size_t most = 8;
  const std::vector<std::string> names = names_of(of);
  if (names.empty()) return "no host at all (a name in its subject does not count)";
  std::string all;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) all += (i == 0 ? "" : ", ") + printable(names[i], 100);
  if (names.size() > most) all += fmt::format(" and {} more", names.size() - most);
  return all;
}

std::string untrusted(bool is_server, const std::string& host, const refused_certificate& refused) {
  const std::string_view whose = is_server ? "client" : "server";
  const std::string_view option = is_server ? "tls_server_options::client_ca" : "tls_client_options::ca";
  if (!refused.which)
    return fmt::format("the {}'s certificate is refused: {}", whose, X509_verify_cert_error_string(refused.error));
  X509& one = *refused.which;
  const std::string subject = printable(text_of(X509_get_subject_name(&one)), 300);
  const std::string issuer = printable(text_of(X509_get_issuer_name(&one)), 300);
  switch (refused.error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format(
          "the {}'s certificate {} has expired: it was valid until {}. Renew it, or set this machine's "
          "clock (X509_V_ERR_CERT_HAS_EXPIRED)",
          whose, subject, text_of(X509_get0_notAfter(&one)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format(
          "the {}'s certificate {} is not valid yet: it will be from {} on. Set this machine's clock "
          "(X509_V_ERR_CERT_NOT_YET_VALID)",
          whose, subject, text_of(X509_get0_notBefore(&one)));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return fmt::format(
          "the {}'s certificate {} is self-signed. If it is to be trusted, give it in {} "
          "(X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)",
          whose, subject, option);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return fmt::format(
          "the {}'s certificate comes from the CA {}, which is not trusted. If it is to be, give its "
          "certificate in {} (X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN)",
          whose, subject, option);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format(
          "the {}'s certificate {} was signed by {}, which is unknown. Give that CA in {}, or have the {} "
          "send the certificates in between (X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY)",
          whose, subject, issuer, option, whose);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format(
          "the server's certificate {} is for {}, not for {}. Ask for the server by a name that its "
          "certificate has (X509_V_ERR_HOSTNAME_MISMATCH)",
          subject, shown_names(one), host);
    case X509_V_ERR_INVALID_PURPOSE:
      return fmt::format("the {}'s certificate {} is not meant for a {} (X509_V_ERR_INVALID_PURPOSE)", whose, subject,
                         whose);
    default:
      return fmt::format("the {}'s certificate {} is refused: {} (X509 verify error {})", whose, subject,
                         X509_verify_cert_error_string(refused.error), refused.error);
  }
}

// What the peer says by an alert (RFC 8446, section 6.2).
std::string refused_by_peer(int alert) {
  const auto say = [alert](std::string_view what) {
    return fmt::format("refused by the peer: {} (alert {}, {})", what, alert, SSL_alert_desc_string_long(alert));
  };
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
      return say("it finds nothing that both sides support, or wants a certificate");
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
      return say("it does not accept this side's certificate");
    case SSL_AD_CERTIFICATE_REVOKED:
      return say("this side's certificate is revoked");
    case SSL_AD_CERTIFICATE_EXPIRED:
      return say("this side's certificate has expired. Renew it, or look at the peer's clock");
    case SSL_AD_UNKNOWN_CA:
      return say(
          "it does not know the CA of this side's certificate. Let the peer trust it, and send the certificates "
          "in between");
    case SSL_AD_ACCESS_DENIED:
      return say("this side's certificate is fine, but not let in");
    case SSL_AD_PROTOCOL_VERSION:
      return say("it speaks none of the versions offered");
    case SSL_AD_INSUFFICIENT_SECURITY:
      return say("what was offered is too weak for it");
    case SSL_AD_UNRECOGNIZED_NAME:
      return say("it has no such host");
    case SSL_AD_CERTIFICATE_REQUIRED:
      return say("it wants a certificate of this side. Give tls_client_options::certificate and key");
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return say("it speaks none of the protocols offered (ALPN)");
    case SSL_AD_BAD_RECORD_MAC:
    case SSL_AD_DECRYPT_ERROR:
      return say("what it got was damaged on the way");
    default:
      return say("it says no more");
  }
}

std::string with_reason(std::string_view text, unsigned long code) {
  const char* const reason = ERR_reason_error_string(code);
  return fmt::format("{} ({})", text, reason != nullptr ? reason : fmt::format("OpenSSL code {}", code).c_str());
}

tls_failure explain_code(unsigned long code, bool is_server, bool agreed) {
  const auto no_agreement = [code](std::string_view text) {
    return tls_failure{tls_errc::no_agreement, EPROTO, with_reason(text, code)};
  };
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    const int reason = ERR_GET_REASON(code);
    if (reason >= SSL_AD_REASON_OFFSET)
      return {tls_errc::refused, EPROTO, refused_by_peer(reason - SSL_AD_REASON_OFFSET)};
    switch (reason) {
      case SSL_R_NO_APPLICATION_PROTOCOL:
        return no_agreement("the client offers no protocol (ALPN) that this server speaks");
      case SSL_R_NO_SHARED_CIPHER:
      case SSL_R_NO_SHARED_GROUPS:
      case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
      case SSL_R_NO_SUITABLE_KEY_SHARE:
      case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return no_agreement("no cipher or key exchange that both sides support");
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_NO_PROTOCOLS_AVAILABLE:
      case SSL_R_VERSION_TOO_LOW:
      case SSL_R_VERSION_TOO_HIGH:
        return no_agreement("no version of TLS that both sides speak; 1.2 is the oldest here");
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return {tls_errc::untrusted, EPROTO,
                with_reason("the client has sent no certificate, and this server lets in only those that do", code)};
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_HTTP_REQUEST:
      case SSL_R_HTTPS_PROXY_REQUEST:
      case SSL_R_PACKET_LENGTH_TOO_LONG:
      case SSL_R_UNKNOWN_PROTOCOL:
      case SSL_R_BAD_RECORD_TYPE:
        if (!agreed)
          return {tls_errc::not_tls, EPROTO,
                  with_reason(is_server ? "the client does not speak TLS: what came first is no TLS record"
                                        : "the server does not speak TLS at this endpoint: its answer is no TLS record",
                              code)};
        break;
      default:
        break;
    }
  }
  return {tls_errc::broken, EPROTO, with_reason("what the peer sent is damaged or breaks TLS's rules", code)};
}

}  // namespace

std::string printable(std::string_view said, std::size_t most) {
  std::string text;
  for (const char c : said) {
    if (text.size() >= most) return text + "...";
    if (c >= ' ' && c <= '~')
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

tls_failure explain(bool is_server, bool agreed, const std::string& host, const refused_certificate& refused) {
  const unsigned long first = ERR_get_error();  // the oldest is the cause of the others
  ERR_clear_error();
  if (!agreed && refused.error != X509_V_OK) return {tls_errc::untrusted, EPROTO, untrusted(is_server, host, refused)};
  return explain_code(first, is_server, agreed);
}

tls_failure truncated(bool agreed) {
  return {tls_errc::truncated, ECONNRESET,
          agreed
              ? "truncated: the connection has ended without close_notify. What was read may not be all of it"
              : "the peer has ended the connection in the middle of the handshake. It may not speak TLS here, or not "
                "want to"};
}

}  // namespace weir::net::internal
