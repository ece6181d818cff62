#include "weir/net/error.h"

#include <fmt/core.h>
#include <string.h>

#include <cctype>
#include <cerrno>
#include <utility>

namespace weir::net {
namespace {

class net_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weir.net"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::timeout:
        return "the deadline came first";
      case errc::closed:
        return "closed by this side";
      case errc::end:
        return "ended by the peer";
      case errc::too_long:
        return "too long for its bound";
    }
    return fmt::format("code {}", code);
  }
  // So that a caller who knows std::errc only finds what it means.
  std::error_condition default_error_condition(int code) const noexcept override {
    switch (static_cast<errc>(code)) {
      case errc::timeout:
        return std::errc::timed_out;
      case errc::closed:
        return std::errc::operation_canceled;
      case errc::end:
        return std::errc::no_message_available;
      case errc::too_long:
        return std::errc::message_size;
    }
    return {code, *this};
  }
};

// strerror() begins its sentences with a capital, unless the word is all capitals.
std::string uncapitalized(std::string text) {
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])))
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

std::string text_of(const std::error_code& code) {
  if (code.category() == std::system_category() || code.category() == std::generic_category())
    return errno_text(code.value());
  return code.message();
}

}  // namespace

const std::error_category& category() noexcept {
  static const net_category the_one;
  return the_one;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

struct error::texts {
  std::string operation, subject, what;
};

error::error(std::error_code code, std::string operation, std::string subject)
    : error(code, std::move(operation), std::move(subject), text_of(code)) {}

error::error(std::error_code code, std::string operation, std::string subject, const std::string& happened)
    : std::system_error(code) {
  std::string what = fmt::format("{}{}{}: {}", operation, subject.empty() ? "" : " ", subject, happened);
  texts_ = std::make_shared<const texts>(texts{std::move(operation), std::move(subject), std::move(what)});
}

const char* error::what() const noexcept { return texts_->what.c_str(); }
const std::string& error::operation() const noexcept { return texts_->operation; }
const std::string& error::subject() const noexcept { return texts_->subject; }

bool error::timeout() const noexcept { return code() == std::errc::timed_out; }
bool error::closed() const noexcept { return code() == errc::closed; }
bool error::reset() const noexcept {
  if (code().category() != std::system_category()) return code() == std::errc::connection_reset;
  return is_reset(code().value());
}
bool error::refused() const noexcept { return code() == std::errc::connection_refused; }

bool is_reset(int number) noexcept {
  switch (number) {
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
    case EHOSTDOWN:
      return true;
    default:
      return false;
  }
}

std::string errno_text(int number) {
  const std::string sentence = uncapitalized(std::system_category().message(number));
#ifdef __GLIBC__
  if (const char* const name = strerrorname_np(number)) return fmt::format("{} ({})", sentence, name);
#endif
  return fmt::format("{} (errno {})", sentence, number);
}

void throw_errno(const char* operation, std::string subject) { throw error(errno, operation, std::move(subject)); }

}  // namespace weir::net
