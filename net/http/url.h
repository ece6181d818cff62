// weir::net::http::url: where an http or https resource is, as people, pages and servers write it.
//   url::parse("https://example.org/a?b=c")     url("...").resolve("../d")
//   percent_encode("a b")                       a text as a part of a URL (back: percent_decoded in request.h)
//
// Thread-safety: a value.
//
// What is written without harm in several ways is kept in one: scheme and host in small letters, no port that is the
// scheme's own, "/" for an empty path, no "." and ".." in it, characters that no URL may have percent-encoded. So equal
// urls are the same resource; two that differ may be.
//
// Source: RFC 3986, with what browsers do for these two schemes: blanks and non-ASCII bytes are encoded rather than
// refused, "%2e" is a dot, a '%' before anything but two hex digits stays. They differ from each other on the rest, and
// so from what a check before them has read; that is refused: a user name or password, a backslash before the path, a
// control character, a host that ends in a number and is no IPv4 address, "http:/x".
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::net::http {

// A text that is no URL. what(): `URL "http://:80": expected a host after "//"; found ':' (column 8)`.
class bad_url : public std::invalid_argument {
 public:
  bad_url(std::string_view text, const std::string& expected, const std::string& found, std::size_t column);
  // Where it goes wrong: the first byte is 1.
  std::size_t column() const noexcept { return column_; }

 private:
  std::size_t column_;
};

class url {
 public:
  static constexpr std::size_t longest = 64 * 1024;  // bytes that are looked at; what is longer is refused

  // Throws bad_url. Allocates.
  static url parse(std::string_view text);
  // What `reference`, found in this one's document or in a redirect from it, refers to (RFC 3986, section 5.2.2): a
  // whole URL, "//host/path", "/path", "path", "?query", "#fragment", or nothing. Throws bad_url.
  url resolve(std::string_view reference) const;

  bool is_https() const noexcept { return https_; }
  const char* scheme() const noexcept { return https_ ? "https" : "http"; }
  // Without brackets: "example.org", "127.0.0.1", "::1".
  const std::string& host() const noexcept { return host_; }
  std::uint16_t port() const noexcept { return port_; }
  // Begins with '/'. It, query and fragment are as they go over the wire: percent-encoded.
  const std::string& path() const noexcept { return path_; }
  // Without its '?'. "http://h/?" has one, which is empty.
  const std::string& query() const noexcept { return query_; }
  bool has_query() const noexcept { return has_query_; }
  // Without its '#'. It is for whoever reads the document, and not told to the server.
  const std::string& fragment() const noexcept { return fragment_; }

  // "/path?query": what a request line has.
  std::string target() const;
  // "example.org", "[::1]:8080": what the Host field has, without a port that is the scheme's own.
  std::string authority() const;
  // "example.org:80", "[::1]:443": where to connect to.
  std::string endpoint() const;
  // "https://example.org": who answers for it. Two with the same origin may see each other's secrets.
  std::string origin() const { return std::string(scheme()) + "://" + authority(); }
  // All of it; parse() gives the same again.
  std::string text() const;

  friend bool operator==(const url&, const url&) = default;

 private:
  url() = default;
  friend class url_reader;

  bool https_ = false, has_query_ = false;
  std::uint16_t port_ = 0;
  std::string host_, path_, query_, fragment_;
};

// All bytes but letters, digits and "-._~" as %XX: for one part of a path, one name or value of a query.
std::string percent_encode(std::string_view text);

}  // namespace weir::net::http
