#include "weir/net/dns/dns_error.h"

#include <string>

namespace weir::net {
namespace {

class category_of_names final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weir.dns"; }
  std::string message(int code) const override {
    switch (static_cast<dns_errc>(code)) {
      case dns_errc::no_such_name:
        return "name does not exist";
      case dns_errc::no_address:
        return "name has no address";
      case dns_errc::not_a_name:
        return "not a host name (labels of 1 to 63 ASCII letters, digits, '-' and '_', with dots between them; of "
               "others the xn-- form)";
      case dns_errc::silent:
        return "no name server answers";
      case dns_errc::refused:
        return "the name server refuses";
      case dns_errc::failed:
        return "the name server failed";
      case dns_errc::no_server:
        return "no name server can be reached";
    }
    return "code " + std::to_string(code);
  }
  std::error_condition default_error_condition(int code) const noexcept override {
    if (static_cast<dns_errc>(code) == dns_errc::silent) return std::errc::timed_out;
    return {code, *this};
  }
};

}  // namespace

const std::error_category& dns_category() noexcept {
  static const category_of_names the_one;
  return the_one;
}

std::error_code make_error_code(dns_errc e) noexcept { return {static_cast<int>(e), dns_category()}; }

}  // namespace weir::net
