#include "weir/net/dns/internal/name_servers.h"

#include <arpa/inet.h>

#include <cstring>
#include <mutex>

#include "weir/net/dns/dns_error.h"
#include "weir/net/dns/internal/name_servers_settings.h"
#include "weir/net/error.h"

namespace weir::net::internal {
namespace {

void check(int status) {
  if (status == ARES_SUCCESS) return;
  throw error(
      status == ARES_ENOMEM ? std::make_error_code(std::errc::not_enough_memory) : make_error_code(dns_errc::no_server),
      "resolve", "");
}

ares_addr_port_node node_of(const address& at) {
  ares_addr_port_node node{};
  node.family = at.family();
  if (at.family() == AF_INET)
    node.addr.addr4 = reinterpret_cast<const sockaddr_in*>(at.data())->sin_addr;
  else
    std::memcpy(&node.addr.addr6, &reinterpret_cast<const sockaddr_in6*>(at.data())->sin6_addr, sizeof node.addr.addr6);
  node.udp_port = node.tcp_port = at.port();
  return node;
}

}  // namespace

name_servers::name_servers(const name_server_options& options) : settings_(std::make_unique<settings>()) {
  static std::once_flag once;
  std::call_once(once, [] { check(ares_library_init(ARES_LIB_INIT_ALL)); });
  char lookups[] = "b";  // not the hosts file, which is ours
  ares_options given{};
  given.timeout = static_cast<int>(options.timeout.count());
  given.tries = options.tries;
  given.lookups = lookups;
  given.flags = ARES_FLAG_NOCHECKRESP;  // a server that refuses or fails is told, and not taken for a silent one
  ares_channel channel = nullptr;
  check(ares_init_options(&channel, &given, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_FLAGS));
  const std::unique_ptr<ares_channeldata, decltype(&ares_destroy)> holder(channel, &ares_destroy);
  check(ares_save_options(channel, &settings_->options, &settings_->mask));
  std::vector<ares_addr_port_node>& servers = settings_->servers;
  for (const address& at : options.servers) servers.push_back(node_of(at));
  if (servers.empty()) {
    ares_addr_port_node* first = nullptr;
    check(ares_get_servers_ports(channel, &first));
    for (const ares_addr_port_node* n = first; n != nullptr; n = n->next) servers.push_back(*n);
    ares_free_data(first);
  }
  for (std::size_t i = 0; i < servers.size(); ++i) servers[i].next = i + 1 < servers.size() ? &servers[i + 1] : nullptr;
}

name_servers::~name_servers() = default;

}  // namespace weir::net::internal
