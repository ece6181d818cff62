#include "weir/net/tls/internal/certificate.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <new>

namespace weir::net::internal {
namespace {

bio_ptr new_memory() {
  bio_ptr made(BIO_new(BIO_s_mem()));
  if (!made) throw std::bad_alloc();
  return made;
}

std::string content_of(BIO& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&memory, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string text_of_string(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

std::string text_of_address(const ASN1_STRING* s) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(s) == 4 ? AF_INET : AF_INET6;
  if (ASN1_STRING_length(s) != 4 && ASN1_STRING_length(s) != 16) return "?";
  inet_ntop(family, ASN1_STRING_get0_data(s), text.data(), text.size());
  return text.data();
}

}  // namespace

std::string text_of(const X509_NAME* name) {
  const bio_ptr into = new_memory();
  X509_NAME_print_ex(into.get(), name, 0, XN_FLAG_RFC2253);
  return content_of(*into);
}

std::string text_of(const ASN1_TIME* time) {
  const bio_ptr into = new_memory();
  ASN1_TIME_print(into.get(), time);
  return content_of(*into);
}

std::vector<std::string> names_of(X509& of) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, freed_by<GENERAL_NAMES_free>> found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&of, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i) {
    int kind = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(found.get(), i), &kind);
    if (kind == GEN_DNS) names.push_back(text_of_string(static_cast<const ASN1_STRING*>(value)));
    if (kind == GEN_IPADD) names.push_back(text_of_address(static_cast<const ASN1_STRING*>(value)));
  }
  return names;
}

tls_certificate describe(X509& of) {
  const bio_ptr into = new_memory();
  PEM_write_bio_X509(into.get(), &of);
  return {.subject = text_of(X509_get_subject_name(&of)),
          .issuer = text_of(X509_get_issuer_name(&of)),
          .names = names_of(of),
          .valid_from = text_of(X509_get0_notBefore(&of)),
          .valid_until = text_of(X509_get0_notAfter(&of)),
          .pem = content_of(*into)};
}

}  // namespace weir::net::internal
