#include "weir/net/address.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "weir/net/error.h"

namespace weir::net {
namespace {

constexpr socklen_t local_head = offsetof(sockaddr_un, sun_path);

// A number, or the name of an interface. 0: there is none.
std::uint32_t scope_number(const char* zone) noexcept {
  std::uint32_t number = 0;
  const char* const end = zone + std::strlen(zone);
  const auto [stopped, bad] = std::from_chars(zone, end, number);
  return bad == std::errc() && stopped == end ? number : if_nametoindex(zone);
}

address ask(int (*call)(int, sockaddr*, socklen_t*), const char* operation, int fd) {
  sockaddr_storage at{};
  socklen_t size = sizeof at;
  if (call(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) throw_errno(operation, fmt::format("descriptor {}", fd));
  return address(reinterpret_cast<const sockaddr*>(&at), size);
}

}  // namespace

std::string printable(std::string_view raw) {
  std::string text;
  for (const char c : raw) {
    if (c >= ' ' && c <= '~')
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

address::address() noexcept : size_(0) { std::memset(&at_, 0, sizeof at_); }

address::address(const sockaddr* at, socklen_t size) noexcept : address() {
  // The kernel gives a path of the greatest length without its zero, and counts one more byte than there is room for.
  size_ = std::min<socklen_t>(size, sizeof at_);
  std::memcpy(&at_, at, size_);
}

std::optional<address> address::ip(std::string_view host, std::uint16_t port) noexcept {
  char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
  if (host.size() >= sizeof text || host.find('\0') != host.npos) return std::nullopt;
  text[host.copy(text, host.size())] = '\0';

  address made;
  if (inet_pton(AF_INET, text, &made.at_.v4.sin_addr) == 1) {
    made.at_.v4.sin_family = AF_INET;
    made.size_ = sizeof made.at_.v4;
    made.set_port(port);
    return made;
  }
  std::uint32_t scope = 0;
  if (char* const percent = std::strchr(text, '%')) {
    *percent = '\0';
    if ((scope = scope_number(percent + 1)) == 0) return std::nullopt;
  }
  made = address();
  if (inet_pton(AF_INET6, text, &made.at_.v6.sin6_addr) != 1) return std::nullopt;
  made.at_.v6.sin6_family = AF_INET6;
  made.at_.v6.sin6_scope_id = scope;
  made.size_ = sizeof made.at_.v6;
  made.set_port(port);
  return made;
}

std::optional<address> address::local(std::string_view path) noexcept {
  if (path.empty() || path.size() > longest_local) return std::nullopt;
  address made;
  made.at_.local.sun_family = AF_UNIX;
  const bool abstract = path.front() == '@';
  if (!abstract && path.find('\0') != path.npos) return std::nullopt;
  path.copy(made.at_.local.sun_path, path.size());
  if (abstract) made.at_.local.sun_path[0] = '\0';
  // Of an abstract name every byte within the size counts; a path ends with a zero. No name at all: the kernel chooses.
  made.size_ = local_head + static_cast<socklen_t>(path.size());
  if (path == "@") made.size_ = local_head;
  if (!abstract) ++made.size_;
  return made;
}

address address::of_socket(int fd) { return ask(&::getsockname, "getsockname", fd); }
address address::of_peer(int fd) { return ask(&::getpeername, "getpeername", fd); }

bool address::is_loopback() const noexcept {
  if (family() == AF_INET) return (ntohl(at_.v4.sin_addr.s_addr) >> 24) == 127;
  return family() == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&at_.v6.sin6_addr);
}

std::uint16_t address::port() const noexcept {
  return family() == AF_INET ? ntohs(at_.v4.sin_port) : family() == AF_INET6 ? ntohs(at_.v6.sin6_port) : 0;
}

void address::set_port(std::uint16_t port) noexcept {
  if (family() == AF_INET) at_.v4.sin_port = htons(port);
  if (family() == AF_INET6) at_.v6.sin6_port = htons(port);
}

std::string address::host() const {
  char text[INET6_ADDRSTRLEN];
  switch (family()) {
    case AF_INET:
      return inet_ntop(AF_INET, &at_.v4.sin_addr, text, sizeof text);
    case AF_INET6: {
      std::string host = inet_ntop(AF_INET6, &at_.v6.sin6_addr, text, sizeof text);
      char zone[IF_NAMESIZE];
      if (const std::uint32_t scope = at_.v6.sin6_scope_id; scope != 0)
        host += if_indextoname(scope, zone) ? fmt::format("%{}", zone) : fmt::format("%{}", scope);
      return host;
    }
    case AF_UNIX: {
      if (size_ <= local_head) return {};
      const std::string_view raw(at_.local.sun_path, size_ - local_head);
      return raw.front() == '\0' ? '@' + printable(raw.substr(1)) : printable(raw.substr(0, raw.find('\0')));
    }
    default:
      return {};
  }
}

std::string address::text() const {
  switch (family()) {
    case AF_INET:
      return fmt::format("{}:{}", host(), port());
    case AF_INET6:
      return fmt::format("[{}]:{}", host(), port());
    case AF_UNIX:
      return size_ <= local_head ? "(unnamed)" : host();
    default:
      return "(none)";
  }
}

bool operator==(const address& a, const address& b) noexcept {
  if (a.family() != b.family()) return false;
  switch (a.family()) {
    case AF_INET:
      return a.at_.v4.sin_addr.s_addr == b.at_.v4.sin_addr.s_addr && a.at_.v4.sin_port == b.at_.v4.sin_port;
    case AF_INET6:
      return IN6_ARE_ADDR_EQUAL(&a.at_.v6.sin6_addr, &b.at_.v6.sin6_addr) && a.at_.v6.sin6_port == b.at_.v6.sin6_port &&
             a.at_.v6.sin6_scope_id == b.at_.v6.sin6_scope_id;
    default:
      return a.size_ == b.size_ && std::memcmp(&a.at_, &b.at_, a.size_) == 0;
  }
}

}  // namespace weir::net
