#include "weir/net/endpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace weir::net {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_host_char(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
}

const char* prefix(transport t) noexcept {
  return t == transport::tcp ? "tcp://" : t == transport::udp ? "udp://" : "unix://";
}

std::string quoted(std::string_view s) { return s.empty() ? "nothing" : fmt::format("\"{}\"", printable(s)); }

// Reads one endpoint from left to right; `at_` is where it stands.
class reader {
 public:
  reader(std::string_view text, transport assumed) noexcept : text_(text) { made_.over = assumed; }

  endpoint read() {
    read_scheme();
    if (made_.over == transport::local || rest().starts_with('/') || rest().starts_with('.') || rest().starts_with('@'))
      read_path();
    else
      read_host(), read_port();
    return std::move(made_);
  }

 private:
  std::string_view rest() const noexcept { return text_.substr(at_); }

  [[noreturn]] void fail(const std::string& expected, const std::string& found, std::size_t at) const {
    throw bad_endpoint(text_, expected, found, at + 1);
  }

  void read_scheme() {
    const std::size_t colon = text_.find(':');
    if (colon == text_.npos) return;
    const std::string_view word = text_.substr(0, colon), after = text_.substr(colon + 1);
    if (!after.starts_with('/') || word.find_first_of("/.@[") != word.npos) return;
    const std::string form =
        word == "unix" ? "\"unix://PATH\" or \"unix://@NAME\"" : fmt::format("\"{}://HOST:PORT\"", word);
    if (word != "tcp" && word != "udp" && word != "unix")
      fail("\"tcp://\", \"udp://\" or \"unix://\"", fmt::format("\"{}:\"", printable(word)), 0);
    if (!after.starts_with("//")) fail(form, fmt::format("one '/' after \"{}:\"", word), colon + 1);
    made_.over = word == "tcp" ? transport::tcp : word == "udp" ? transport::udp : transport::local;
    at_ = colon + 3;
    if (made_.over != transport::local && rest().find_first_of("/.@") == 0)
      fail(form, fmt::format("'{}' in place of the host", rest().front()), at_);
  }

  void read_path() {
    const std::string_view path = rest();
    if (path.empty()) fail("a path, or \"@NAME\"", "nothing", at_);
    if (const std::size_t zero = path.find('\0'); zero != path.npos) fail("a path", "a zero byte in it", at_ + zero);
    if (path.size() > address::longest_local)
      fail(fmt::format("a path of at most {} bytes", address::longest_local), fmt::format("{} bytes", path.size()),
           at_);
    made_.over = transport::local;
    made_.host = path;
    at_ = text_.size();
  }

  void read_host() {
    const std::string_view all = rest();
    if (all.empty()) fail("\"HOST:PORT\", \"[IPV6]:PORT\", \"/PATH\" or \"@NAME\"", "nothing", at_);
    if (all.front() == '[') return read_bracketed(all);
    const std::size_t colon = all.find(':');
    const std::string_view host = all.substr(0, colon);
    if (colon == 0) fail("a host before ':' (\"*\" for every address of this machine)", "':'", at_);
    if (host != "*") {
      const auto bad = std::find_if_not(host.begin(), host.end(), is_host_char);
      if (bad != host.end())
        fail("a host of letters, digits, '-', '.' and '_'",
             quoted(host.substr(static_cast<std::size_t>(bad - host.begin()), 1)),
             at_ + static_cast<std::size_t>(bad - host.begin()));
    }
    if (colon == all.npos) fail("\":PORT\" after the host", "the end", text_.size());
    if (const std::size_t second = all.find(':', colon + 1); second != all.npos)
      fail("one ':' before the port (an IPv6 address stands in brackets: \"[::1]:80\")", "another ':'", at_ + second);
    // As resolvers do: a name whose last part is a number is an address, or wrong.
    const std::string_view last = host.substr(host.rfind('.') + 1);
    if (!last.empty() && std::all_of(last.begin(), last.end(), is_digit) && !address::ip(host, 0))
      fail("an IPv4 address of four numbers from 0 to 255", quoted(host), at_);
    made_.host = host;
    at_ += colon + 1;
  }

  void read_bracketed(std::string_view all) {
    const std::size_t end = all.find(']');
    if (end == all.npos) fail("']' after the IPv6 address", "the end", text_.size());
    const std::string_view host = all.substr(1, end - 1);
    const auto number = address::ip(host, 0);
    if (!number || number->family() != AF_INET6) fail("an IPv6 address in the brackets", quoted(host), at_ + 1);
    if (end + 1 == all.size() || all[end + 1] != ':')
      fail("\":PORT\" after ']'", end + 1 == all.size() ? "the end" : quoted(all.substr(end + 1, 1)), at_ + end + 1);
    made_.host = host;
    at_ += end + 2;
  }

  void read_port() {
    const std::string_view digits = rest();
    std::uint32_t port = 0;
    for (const char c : digits) {
      if (!is_digit(c) || digits.size() > 5) fail("a port from 0 to 65535", quoted(digits), at_);
      port = port * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (digits.empty() || port > 65535) fail("a port from 0 to 65535", quoted(digits), at_);
    made_.port = static_cast<std::uint16_t>(port);
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  endpoint made_;
};

}  // namespace

bad_endpoint::bad_endpoint(std::string_view text, const std::string& expected, const std::string& found,
                           std::size_t column)
    : std::invalid_argument(
          fmt::format("endpoint \"{}\": expected {}; found {} (column {})", printable(text), expected, found, column)),
      column_(column) {}

endpoint endpoint::parse(std::string_view text, transport assumed) { return reader(text, assumed).read(); }

std::optional<address> endpoint::numeric() const noexcept {
  if (over == transport::local) return address::local(host);
  return address::ip(host == "*" ? std::string_view("0.0.0.0") : std::string_view(host), port);
}

std::string endpoint::text() const {
  if (over == transport::local) return prefix(over) + host;
  if (host.find(':') != host.npos) return fmt::format("{}[{}]:{}", prefix(over), host, port);
  return fmt::format("{}{}:{}", prefix(over), host, port);
}

std::string text_of(transport over, const address& at) { return prefix(over) + at.text(); }

}  // namespace weir::net
