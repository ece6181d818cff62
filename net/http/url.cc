#include "weir/net/http/url.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "weir/net/address.h"

namespace weir::net::http {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
constexpr char small(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void append_encoded(std::string& to, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  to += '%', to += digits[byte >> 4], to += digits[byte & 15];
}

std::string quoted(std::string_view s) { return s.empty() ? "nothing" : fmt::format("\"{}\"", net::printable(s)); }

enum class part : std::uint8_t { path, query, fragment };

// The percent-encode sets of the WHATWG's URL standard, 1.3, with what RFC 3986 allows nowhere.
bool is_kept(char c, part in) noexcept {
  if (static_cast<unsigned char>(c) >= 0x80 || c == ' ') return false;
  constexpr std::string_view nowhere = "\"<>\\^`{|}";
  if (nowhere.find(c) != nowhere.npos) return false;
  return c != '\'' || in != part::query;
}

// "." and "..", also as "%2e".
int dots(std::string_view segment) noexcept {
  int count = 0;
  while (!segment.empty()) {
    if (segment.front() == '.')
      segment.remove_prefix(1);
    else if (segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' && small(segment[2]) == 'e')
      segment.remove_prefix(3);
    else
      return 0;
    if (++count > 2) return 0;
  }
  return count;
}

// RFC 3986, section 5.2.4. REQUIRES: begins with '/'.
std::string without_dots(std::string_view path) {
  std::string made;
  while (!path.empty()) {
    const std::size_t next = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(1, next - 1);
    path.remove_prefix(next);
    const int n = dots(segment);
    if (n == 2) made.resize(std::min(made.rfind('/'), made.size()));
    if (n == 0)
      made.append("/").append(segment);
    else if (path.empty())
      made += '/';  // "/a/." is the folder "/a/"
  }
  return made;
}

}  // namespace

// Reads from left to right; `at_` is where it stands.
class url_reader {
 public:
  explicit url_reader(std::string_view text) : text_(text) {
    if (text.size() > url::longest)
      throw bad_url(text.substr(0, 80), fmt::format("at most {} bytes", url::longest),
                    fmt::format("{} bytes", text.size()), url::longest + 1);
    const auto control = std::find_if(text.begin(), text.end(), is_control);
    if (control != text.end())
      fail("no control characters", quoted(std::string_view(&*control, 1)),
           static_cast<std::size_t>(control - text.begin()));
  }

  url read_whole() {
    const std::string_view scheme = scheme_word();
    if (scheme.empty()) fail("\"http://\" or \"https://\"", found_instead_of_scheme(), 0);
    read_scheme(scheme);
    read_authority();
    read_path_on(rest().starts_with('/') ? "" : "/");
    return std::move(made_);
  }

  url read_against(const url& base) {
    if (!scheme_word().empty()) return read_whole();
    made_.https_ = base.https_;
    if (rest().starts_with("//")) {
      at_ = 2;
      read_authority();
      read_path_on(rest().starts_with('/') ? "" : "/");
      return std::move(made_);
    }
    made_.host_ = base.host_, made_.port_ = base.port_;
    if (rest().empty() || rest().front() == '#' || rest().front() == '?') {
      made_.path_ = base.path_;
      if (!rest().starts_with('?')) made_.has_query_ = base.has_query_, made_.query_ = base.query_;
      read_query();
    } else if (rest().front() == '/') {
      read_path_on("");
    } else {
      if (rest().front() == '\\') fail("a path", "a backslash in place of '/'", at_);
      read_path_on(std::string_view(base.path_).substr(0, base.path_.rfind('/') + 1));
    }
    return std::move(made_);
  }

 private:
  std::string_view rest() const noexcept { return text_.substr(at_); }

  [[noreturn]] void fail(const std::string& expected, const std::string& found, std::size_t at) const {
    throw bad_url(text_, expected, found, at + 1);
  }

  // What stands before ':' and looks like a scheme (section 3.1), else nothing.
  std::string_view scheme_word() const noexcept {
    const std::size_t end = text_.find_first_of(":/?#");
    if (end == text_.npos || text_[end] != ':' || end == 0 || !is_letter(text_[0])) return {};
    const std::string_view word = text_.substr(0, end);
    const bool all = std::all_of(word.begin(), word.end(), [](char c) {
      return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    });
    return all ? word : std::string_view();
  }
  std::string found_instead_of_scheme() const {
    return text_.empty() ? "nothing" : fmt::format("{} without one", quoted(text_.substr(0, 40)));
  }

  void read_scheme(std::string_view word) {
    std::string name(word);
    std::transform(name.begin(), name.end(), name.begin(), small);
    made_.https_ = name == "https";
    if (!made_.https_ && name != "http") {
      // "example.org:80/x" and "localhost:80" look like schemes.
      const std::string_view after = text_.substr(word.size() + 1);
      const bool port = !after.empty() && is_digit(after.front());
      fail("\"http://\" or \"https://\"", port ? found_instead_of_scheme() : quoted(text_.substr(0, word.size() + 1)),
           0);
    }
    at_ = word.size() + 1;
    if (!rest().starts_with("//"))
      fail(fmt::format("\"//\" and a host after \"{}:\"", name), quoted(rest().substr(0, 2)), at_);
    at_ += 2;
  }

  void read_authority() {
    const std::size_t begin = at_;
    const std::string_view all = rest().substr(0, rest().find_first_of("/?#"));
    if (const std::size_t at = all.find('@'); at != all.npos)
      throw bad_url(fmt::format("{}://...{}", made_.scheme(), text_.substr(begin + at)),
                    "no user name or password (they end up in logs: give a header \"Authorization\")", "'@'",
                    begin + at + 1);
    std::size_t end = 0;
    if (all.starts_with('[')) {
      end = std::min(all.find(']'), all.size());
      const auto number = address::ip(all.substr(1, end - 1), 0);
      if (end == all.size() || !number || number->family() != AF_INET6 || all.find('%') < end)
        fail("an IPv6 address in the brackets", quoted(all.substr(1, end - 1)), begin + 1);
      made_.host_ = number->host();
      ++end;
      if (end < all.size() && all[end] != ':')
        fail("':', '/' or the end after ']'", quoted(all.substr(end, 1)), begin + end);
    } else {
      end = std::min(all.find(':'), all.size());
      read_name(all.substr(0, end), begin);
    }
    made_.port_ = made_.https_ ? 443 : 80;
    if (end < all.size()) read_port(all.substr(end + 1), begin + end + 1);
    at_ = begin + all.size();
  }

  void read_name(std::string_view host, std::size_t begin) {
    if (host.empty()) fail("a host after \"//\"", quoted(text_.substr(begin, 1)), begin);
    for (std::size_t i = 0; i < host.size(); ++i) {
      const char c = host[i];
      if (static_cast<unsigned char>(c) >= 0x80)
        fail("a host in ASCII (\"xn--...\", which an IDNA converter gives)", "a byte beyond it", begin + i);
      if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '_')
        fail("a host of letters, digits, '-', '.' and '_'", quoted(host.substr(i, 1)), begin + i);
      if (c == '.' && (i == 0 || host[i - 1] == '.'))
        fail("something between the dots of the host", "nothing", begin + i);
    }
    if (host.size() > 253) fail("a host of at most 253 bytes", fmt::format("{} bytes", host.size()), begin);
    // As browsers and resolvers do: a name whose last part is a number is an address, or wrong.
    const std::string_view whole = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
    const std::string_view last = whole.substr(whole.rfind('.') + 1);
    const bool number =
        std::all_of(last.begin(), last.end(), is_digit) || last.starts_with("0x") || last.starts_with("0X");
    if (number && (whole.size() != host.size() || !address::ip(host, 0)))
      fail("an IPv4 address of four numbers from 0 to 255", quoted(host), begin);
    made_.host_ = host;
    std::transform(made_.host_.begin(), made_.host_.end(), made_.host_.begin(), small);
  }

  void read_port(std::string_view digits, std::size_t begin) {
    if (digits.empty()) return;  // "http://h:/" is allowed (RFC 3986, section 3.2.3)
    std::uint32_t port = 0;
    for (const char c : digits) {
      if (!is_digit(c)) fail("a port from 1 to 65535", quoted(digits), begin);
      port = std::min<std::uint32_t>(port * 10 + static_cast<std::uint32_t>(c - '0'), 65536);
    }
    if (port == 0 || port > 65535) fail("a port from 1 to 65535", quoted(digits), begin);
    made_.port_ = static_cast<std::uint16_t>(port);
  }

  std::string take(std::string_view ends, part in) {
    const std::string_view all = rest().substr(0, rest().find_first_of(ends));
    std::string made;
    made.reserve(all.size());
    for (const char c : all)
      if (is_kept(c, in))
        made += c;
      else
        append_encoded(made, c);
    at_ += all.size();
    return made;
  }

  // `before`: what stands before the path that comes.
  void read_path_on(std::string_view before) {
    made_.path_ = without_dots(std::string(before) + take("?#", part::path));
    read_query();
  }
  void read_query() {
    if (rest().starts_with('?')) {
      ++at_;
      made_.has_query_ = true;
      made_.query_ = take("#", part::query);
    }
    if (rest().starts_with('#')) {
      ++at_;
      made_.fragment_ = take("", part::fragment);
    }
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  url made_;
};

bad_url::bad_url(std::string_view text, const std::string& expected, const std::string& found, std::size_t column)
    : std::invalid_argument(
          fmt::format("URL \"{}\": expected {}; found {} (column {})", net::printable(text), expected, found, column)),
      column_(column) {}

url url::parse(std::string_view text) { return url_reader(text).read_whole(); }
url url::resolve(std::string_view reference) const { return url_reader(reference).read_against(*this); }

std::string url::target() const { return has_query_ ? path_ + "?" + query_ : path_; }

std::string url::authority() const {
  if (port_ != (https_ ? 443 : 80)) return endpoint();
  return host_.find(':') == host_.npos ? host_ : "[" + host_ + "]";
}
std::string url::endpoint() const {
  return host_.find(':') == host_.npos ? fmt::format("{}:{}", host_, port_) : fmt::format("[{}]:{}", host_, port_);
}
std::string url::text() const {
  std::string made = origin() + target();
  if (!fragment_.empty()) made.append("#").append(fragment_);
  return made;
}

std::string percent_encode(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  for (const char c : text)
    if (is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~')
      made += c;
    else
      append_encoded(made, c);
  return made;
}

}  // namespace weir::net::http
