#include "weir/net/zmtp/handshake.h"

#include <algorithm>
#include <string>
#include <utility>

#include "weir/net/zmtp/frame_header.h"
#include "weir/net/zmtp/mechanism.h"
#include "weir/net/zmtp/octets.h"
#include "weir/runtime/base/errors.h"

namespace weir::net::zmtp {
namespace {

void check(const handshake_options& o, site where) {
  const auto refuse = [&](const char* rule, const std::string& value, const char* remedy) {
    weir::internal::throw_misuse("zmtp::handshake", rule, value, remedy, where);
  };
  if (o.identity.size() > 255 || (!o.identity.empty() && o.identity[0] == '\0'))
    refuse("an identity has at most 255 octets, and the first is not zero", printable(o.identity),
           "Give another one, or none.");
  if (o.username.size() > 255 || o.password.size() > 255)
    refuse("username and password have at most 255 octets each",
           std::to_string(std::max(o.username.size(), o.password.size())) + " octets", "Give shorter ones.");
  for (const property& p : o.properties)
    if (!is_property_name(p.name) || same_name(p.name, "Socket-Type") || same_name(p.name, "Identity"))
      refuse("a property's name has 1 to 255 letters, digits and - _ . +, and is not Socket-Type or Identity",
             printable(p.name), "Give another name; those of applications begin with X-.");
}

}  // namespace

handshake::handshake(handshake_options options, site where) : options_(std::move(options)) {
  check(options_, where);
  options_.most.command = std::min(options_.most.command, limits::most_command);
  mechanism_ = options_.mechanism == security::null ? make_null(*this) : make_plain(*this);
  // Without roles as-server has to be zero.
  write_greeting(out_, mechanism_name(options_.mechanism),
                 options_.mechanism != security::null && options_.side == role::server, options_.version);
}

handshake::~handshake() = default;

std::size_t handshake::feed(const_buffer bytes) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t taken = 0;
  while (status_ == handshake_status::running && taken < all.size()) {
    std::size_t n;
    if (!greeting_.complete()) {
      n = greeting_.take(all.substr(taken), mechanism_name(options_.mechanism), failure_);
      if (failure_) {
        status_ = handshake_status::failed;
      } else if (greeting_.complete()) {
        peer_.version = greeting_.version();
        peer_.as_server = greeting_.as_server();
        mechanism_->begin();
      }
    } else {
      n = take_frame(all.substr(taken));
    }
    taken += n;
    offset_ += n;
  }
  return taken;
}

// Takes up to the end of what is known to belong to one frame.
std::size_t handshake::take_frame(std::string_view bytes) {
  frame_header h;
  std::size_t wanted = short_header;
  if (!frame_.empty()) {
    read_header(reinterpret_cast<const std::byte*>(frame_.data()), frame_.size(), options_.most, h, failure_);
    wanted = h.length != 0 ? h.length + h.size : (h.flags & flag_long) ? long_header : short_header;
  }
  const std::size_t n = std::min(bytes.size(), wanted - frame_.size());
  frame_.append(bytes.substr(0, n));
  const std::uint64_t begin = offset_ + n - frame_.size();

  if (read_header(reinterpret_cast<const std::byte*>(frame_.data()), frame_.size(), options_.most, h, failure_)) {
    if (!(h.flags & flag_command))
      failure_ = {rule::handshake_is_commands, "flags " + hex(static_cast<std::uint8_t>(frame_[0])), begin};
    else if (h.length != 0 && h.size > options_.most.command)
      failure_ = {rule::command_size, std::to_string(h.size) + " octets", begin};
  } else {
    failure_.offset += begin;
  }
  if (failure_) {
    status_ = handshake_status::failed;
    return n;
  }
  if (h.length == 0 || frame_.size() < h.length + h.size) return n;

  // The mechanism may not see its own bytes vanish.
  const std::string whole = std::exchange(frame_, {});
  const std::string_view body = std::string_view(whole).substr(h.length);
  command c;
  // libzmq 4.3.4's PLAIN spells ERROR's prefix "\x5ERROR", of which C++ makes "^RROR".
  if (constexpr std::string_view misspelt = "^RROR"; body.substr(0, misspelt.size()) == misspelt)
    mechanism_->received({"ERROR", body.substr(misspelt.size())}, begin + h.length - 1);
  else if (read_command(body, begin + h.length, c, failure_))
    mechanism_->received(c, begin + h.length);
  else
    fail_name(body);
  return n;
}

// The value says nothing of what came: of a peer that writes HELLO in another way it may be a password.
void handshake::fail_name(std::string_view body) {
  failure_.value = std::to_string(body.size()) + " octets";
  if (!body.empty()) failure_.value = "a name of " + std::to_string(octet_at(body, 0)) + " in " + failure_.value;
  status_ = handshake_status::failed;
}

void handshake::accept() {
  password_.clear();
  status_ = handshake_status::running;
  mechanism_->accepted();
}

void handshake::deny(std::string_view code) {
  password_.clear();
  write_command(out_, "ERROR", error_data(code));
  failure_ = {rule::refused_by_us, printable(peer_.username), offset_};
  status_ = handshake_status::failed;
}

}  // namespace weir::net::zmtp
