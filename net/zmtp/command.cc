#include "weir/net/zmtp/command.h"

#include <algorithm>

#include "weir/net/zmtp/frame_header.h"
#include "weir/net/zmtp/octets.h"

namespace weir::net::zmtp {
namespace {

// Takes a string with its length before it from the front of `data`.
bool take_short(std::string_view& data, std::string_view& into) {
  if (data.empty() || octet_at(data, 0) > data.size() - 1) return false;
  into = data.substr(1, octet_at(data, 0));
  data.remove_prefix(1 + into.size());
  return true;
}

}  // namespace

void write_command(std::string& out, std::string_view name, std::string_view data) {
  const std::size_t size = 1 + name.size() + data.size();
  if (size <= 255) {
    out += static_cast<char>(flag_command);
    out += static_cast<char>(size);
  } else {
    out += static_cast<char>(flag_command | flag_long);
    append_big_endian(out, size, 8);
  }
  out += static_cast<char>(name.size());
  out += name;
  out += data;
}

bool read_command(std::string_view body, std::uint64_t offset, command& into, violation& failure) {
  std::string_view rest = body;
  if (!take_short(rest, into.name) || into.name.empty()) {
    failure = {rule::command_name, printable(body), offset};
    return false;
  }
  if (!std::all_of(into.name.begin(), into.name.end(), is_letter)) {
    failure = {rule::command_name_letters, printable(into.name), offset + 1};
    return false;
  }
  into.data = rest;
  return true;
}

std::string ping_data(std::uint16_t ttl, std::string_view context) {
  std::string data;
  append_big_endian(data, ttl, 2);
  data += context;
  return data;
}

bool read_ping(std::string_view data, std::uint64_t offset, std::uint16_t& ttl, std::string_view& context,
               violation& failure) {
  if (data.size() < 2) {
    failure = {rule::ping_ttl, std::to_string(data.size()) + " octets", offset};
    return false;
  }
  ttl = static_cast<std::uint16_t>(big_endian_at(data, 0, 2));
  context = data.substr(2);
  if (context.size() > most_ping_context) {
    failure = {rule::ping_context, std::to_string(context.size()) + " octets", offset + 2};
    return false;
  }
  return true;
}

std::string error_data(std::string_view reason) {
  reason = reason.substr(0, 255);
  return std::string(1, static_cast<char>(reason.size())).append(reason);
}

bool read_error(std::string_view data, std::uint64_t offset, std::string_view& reason, violation& failure) {
  std::string_view rest = data;
  if (take_short(rest, reason) && rest.empty()) return true;
  failure = {rule::error_reason, printable(data), offset};
  return false;
}

std::string hello_data(std::string_view username, std::string_view password) {
  std::string data(1, static_cast<char>(username.size()));
  data += username;
  data += static_cast<char>(password.size());
  data += password;
  return data;
}

bool read_hello(std::string_view data, std::uint64_t offset, std::string_view& username, std::string_view& password,
                violation& failure) {
  std::string_view rest = data;
  if (take_short(rest, username) && take_short(rest, password) && rest.empty()) return true;
  // Not the data: it may hold a password.
  failure = {rule::hello_fields, std::to_string(data.size()) + " octets", offset};
  return false;
}

}  // namespace weir::net::zmtp
