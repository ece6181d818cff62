#include "weir/net/zmtp/mechanism.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace weir::net::zmtp {

std::string_view mechanism_name(security s) noexcept { return s == security::null ? "NULL" : "PLAIN"; }

void mechanism::send_metadata(std::string_view command_name) {
  std::string data;
  write_property(data, "Socket-Type", name(options().type));
  // libzmq sends an empty one too.
  if (has_identity(options().type)) write_property(data, "Identity", options().identity);
  for (const property& p : options().properties) write_property(data, p.name, p.value);
  send(command_name, data);
}

bool mechanism::take_metadata(std::string_view data, std::uint64_t offset) {
  violation v;
  if (read_metadata(data, options().most.properties, offset, peer().properties, v) && check_peer(offset, v))
    return true;
  refuse(std::move(v));
  return false;
}

bool mechanism::check_peer(std::uint64_t offset, violation& failure) {
  if (const property* type = find(peer().properties, "Socket-Type")) {
    peer().type = socket_type_named(type->value);
    if (!peer().type)
      failure = {rule::socket_type_known, printable(type->value), offset};
    else if (!legal(options().type, *peer().type))
      failure = {rule::socket_type_legal,
                 std::string(name(*peer().type)) + ", this side is " + std::string(name(options().type)) + ",", offset};
  }
  const property* identity = find(peer().properties, "Identity");
  // For all other socket types it has to be ignored.
  if (failure || identity == nullptr || !peer().type || !has_identity(*peer().type)) return !failure;
  if (identity->value.size() > 255)
    failure = {rule::identity_size, std::to_string(identity->value.size()) + " octets", offset};
  else if (!identity->value.empty() && identity->value[0] == '\0')
    failure = {rule::identity_reserved, printable(identity->value), offset};
  else
    peer().identity = identity->value;
  return !failure;
}

void mechanism::ask(std::string_view username, std::string_view password) {
  peer().username = username;
  of_.password_ = password;
  of_.status_ = handshake_status::credentials;
}

void mechanism::fail(violation v) {
  of_.failure_ = std::move(v);
  of_.status_ = handshake_status::failed;
}

void mechanism::refuse(violation v) {
  send("ERROR", error_data(describe(v.broken).name));
  fail(std::move(v));
}

void mechanism::unexpected(const command& c, std::uint64_t offset, std::string_view wanted) {
  violation v;
  std::string_view reason;
  if (c.name == "ERROR") {
    if (read_error(c.data, offset + 1 + c.name.size(), reason, v))
      v = {rule::refused_by_peer, printable(reason), offset};
    return fail(std::move(v));
  }
  // A name that is no command's may be anything: a password of a peer that writes HELLO in another way.
  constexpr std::string_view known[] = {"READY", "HELLO", "WELCOME", "INITIATE", "PING", "PONG", "SUBSCRIBE", "CANCEL"};
  std::string came(c.name);
  if (std::find(std::begin(known), std::end(known), c.name) == std::end(known))
    came = "an unknown name of " + std::to_string(c.name.size()) + " letters";
  fail({rule::command_expected, came + ", wanted is " + std::string(wanted) + ",", offset});
}

}  // namespace weir::net::zmtp
