#include "weir/net/message_endpoint.h"

#include <fmt/core.h>
#include <ifaddrs.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "weir/net/error.h"

namespace weir::net {
namespace {

constexpr std::string_view tcp_scheme = "tcp://", ipc_scheme = "ipc://", inproc_scheme = "inproc://";

enum class use { bind, connect };

[[noreturn]] void fail(std::string_view text, const std::string& expected, const std::string& found, std::size_t at) {
  throw bad_endpoint(text, expected, found, at + 1);
}

endpoint read_tcp(std::string_view text) {
  if (!text.ends_with(":*")) return endpoint::parse(text);
  std::string chosen(text);
  chosen.back() = '0';
  try {
    return endpoint::parse(chosen);
  } catch (const bad_endpoint&) {
    return endpoint::parse(text);  // the same complaint, which comes before the port, about the text as it was written
  }
}

message_endpoint tcp(std::string_view text, use how) {
  endpoint e = read_tcp(text);
  if (how == use::connect) {
    if (e.host == "*") fail(text, "a host to connect to", "\"*\", which can only be bound", tcp_scheme.size());
    if (e.port == 0)
      fail(text, "a port to connect to, from 1 to 65535", fmt::format("\"{}\"", text.substr(text.rfind(':') + 1)),
           text.rfind(':') + 1);
  }
  return {message_transport::tcp, std::move(e.host), e.port};
}

message_endpoint ipc(std::string_view text, use how) {
  const std::size_t at = ipc_scheme.size();
  const std::string_view path = text.substr(at);
  if (path.empty()) fail(text, "a path, or \"@NAME\"", "nothing", at);
  if (path == "*" || path == "@") {
    if (how == use::connect)
      fail(text, "a path or a name to connect to", fmt::format("\"{}\", which can only be bound", path), at);
    return {message_transport::ipc, "@"};
  }
  if (const std::size_t zero = path.find('\0'); zero != path.npos)
    fail(text, "a path, or \"@NAME\"", "a zero byte in it", at + zero);
  if (path.size() > address::longest_local)
    fail(text, fmt::format("a path of at most {} bytes", address::longest_local), fmt::format("{} bytes", path.size()),
         at);
  return {message_transport::ipc, std::string(path)};
}

message_endpoint inproc(std::string_view text) {
  const std::string_view name = text.substr(inproc_scheme.size());
  if (name.empty() || name.size() > message_endpoint::longest_inproc)
    fail(text, fmt::format("a name of 1 to {} bytes", message_endpoint::longest_inproc),
         name.empty() ? "nothing" : fmt::format("{} bytes", name.size()), inproc_scheme.size());
  return {message_transport::inproc, std::string(name)};
}

message_endpoint parse(std::string_view text, use how) {
  if (text.starts_with(tcp_scheme)) return tcp(text, how);
  if (text.starts_with(ipc_scheme)) return ipc(text, how);
  if (text.starts_with(inproc_scheme)) return inproc(text);
  const std::size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  for (const std::string_view scheme : {tcp_scheme, ipc_scheme, inproc_scheme})
    if (colon != text.npos && scheme.substr(0, scheme.size() - 3) == word)
      fail(text, fmt::format("\"//\" after \"{}:\"", word),
           colon + 1 == text.size()                  ? "the end"
           : text.substr(colon + 1).starts_with('/') ? "one '/'"
                                                     : fmt::format("\"{}\"", printable(text.substr(colon + 1, 1))),
           colon + 1);
  fail(text, "\"tcp://HOST:PORT\", \"ipc://PATH\", \"ipc://@NAME\" or \"inproc://NAME\"",
       text.empty()         ? "nothing"
       : colon == text.npos ? "no \"://\""
                            : fmt::format("\"{}:\"", printable(word)),
       0);
}

}  // namespace

message_endpoint message_endpoint::to_bind(std::string_view text) { return parse(text, use::bind); }
message_endpoint message_endpoint::to_connect(std::string_view text) { return parse(text, use::connect); }

message_endpoint message_endpoint::of(const address& at) {
  return {at.is_ip() ? message_transport::tcp : message_transport::ipc, at.host(), at.port()};
}

std::string message_endpoint::text() const {
  if (over == message_transport::tcp) return stream().text();
  return std::string(over == message_transport::ipc ? ipc_scheme : inproc_scheme) + name;
}

endpoint message_endpoint::stream() const {
  return {over == message_transport::tcp ? transport::tcp : transport::local, name, port};
}

address message_endpoint::listen_address() const {
  if (const auto known = stream().numeric()) return *known;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) throw_errno("getifaddrs", text());
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(all, &freeifaddrs);

  std::optional<address> found;
  std::string names;
  for (const ifaddrs* i = all; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr) continue;
    const int family = i->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    if (i->ifa_name == name) {
      address a(i->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
      a.set_port(port);
      if (family == AF_INET) return a;
      if (!found) found = a;
    }
    const std::string quoted = fmt::format(", \"{}\"", i->ifa_name);
    if (names.find(quoted) == names.npos) names += quoted;
  }
  if (found) return *found;
  fail(text(),
       "an address in numbers, \"*\" or an interface of this machine" +
           (names.empty() ? names : " (" + names.substr(2) + ")"),
       fmt::format("\"{}\"", name), tcp_scheme.size());
}

}  // namespace weir::net
