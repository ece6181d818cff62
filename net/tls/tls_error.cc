#include "weir/net/tls/tls_error.h"

namespace weir::net {
namespace {

class category_of_tls final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weir.tls"; }
  std::string message(int code) const override {
    switch (static_cast<tls_errc>(code)) {
      case tls_errc::untrusted:
        return "certificate not trusted";
      case tls_errc::refused:
        return "refused by the peer";
      case tls_errc::no_agreement:
        return "nothing in common with the peer";
      case tls_errc::not_tls:
        return "the peer does not speak TLS";
      case tls_errc::truncated:
        return "ended without close_notify";
      case tls_errc::broken:
        return "TLS broken";
      case tls_errc::unusable:
        return "unusable certificate, key or CA";
    }
    return "code " + std::to_string(code);
  }
  std::error_condition default_error_condition(int code) const noexcept override {
    if (static_cast<tls_errc>(code) == tls_errc::truncated) return std::errc::connection_reset;
    return {code, *this};
  }
};

}  // namespace

const std::error_category& tls_category() noexcept {
  static const category_of_tls the_one;
  return the_one;
}

std::error_code make_error_code(tls_errc e) noexcept { return {static_cast<int>(e), tls_category()}; }

}  // namespace weir::net
