#include "weir/net/websocket/codec.h"

#include <sys/random.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "weir/net/error.h"

namespace weir::net::websocket {
namespace {

static_assert(sizeof(long) == sizeof(ssize_t));

// Octets of a frame's header, at most.
constexpr std::size_t most_header = 14;

bool is_control(unsigned opcode) noexcept { return wslay_is_ctrl_frame(opcode) != 0; }

const char* frame_name(unsigned opcode) noexcept {
  switch (opcode) {
    case WSLAY_CONTINUATION_FRAME:
      return "continuation";
    case WSLAY_TEXT_FRAME:
      return "text";
    case WSLAY_BINARY_FRAME:
      return "binary";
    case WSLAY_CONNECTION_CLOSE:
      return "close";
    case WSLAY_PING:
      return "ping";
    case WSLAY_PONG:
      return "pong";
    default:
      return nullptr;
  }
}

internal::frame_context make_context(const wslay_frame_callbacks& calls, void* self) {
  wslay_frame_context_ptr made = nullptr;
  if (wslay_frame_context_init(&made, &calls, self) != 0) throw std::bad_alloc();
  return internal::frame_context(made);
}

}  // namespace

void internal::free_frame_context::operator()(wslay_frame_context* c) const noexcept { wslay_frame_context_free(c); }

decoder::decoder(role side, std::size_t most)
    : side_(side),
      most_(most),
      frames_(make_context({.send_callback = nullptr, .recv_callback = &take, .genmask_callback = nullptr}, this)) {}

long decoder::take(std::uint8_t* into, std::size_t most, int, void* self) noexcept {
  std::string_view& from = *static_cast<decoder*>(self)->bytes_;
  const std::size_t n = std::min(most, from.size());
  if (n == 0) return -1;  // libwslay says WANT_READ then
  std::memcpy(into, from.data(), n);
  from.remove_prefix(n);
  return static_cast<long>(n);
}

input decoder::next(std::string_view& bytes, message& into) noexcept {
  if (failure_) return input::failed;
  if (closed_) return bytes.remove_prefix(bytes.size()), input::close;
  bytes_ = &bytes;
  try {
    return decode(into);
  } catch (const std::bad_alloc&) {
    return fail(rule::memory, "none");  // short enough to need none
  }
}

input decoder::decode(message& into) {
  for (;;) {
    wslay_frame_iocb f{};
    const ssize_t got = wslay_frame_recv(frames_.get(), &f);
    if (got == WSLAY_ERR_WANT_READ) return input::more;
    if (got < 0) return ++frame_, fail(rule::frame_header, "a header that breaks this");
    if (!in_frame_ && !begin_frame(f)) return input::failed;
    if (!add(f)) return input::failed;
    if (received_ < f.payload_length) continue;
    in_frame_ = false;
    if (is_control(opcode_)) return end_control(into);
    if (!f.fin) continue;
    if (partial_.kind == message_kind::text && !text_.at_boundary())
      return fail(rule::text, "a message that ends within a character");
    in_message_ = false;
    into = std::exchange(partial_, {});
    return input::message;
  }
}

// What can be said of a frame by its header.
bool decoder::begin_frame(const wslay_frame_iocb& f) {
  ++frame_;
  const char* const name = frame_name(f.opcode);
  const auto refuse = [&](rule r, std::string value) { return fail(r, std::move(value)), false; };
  if (f.rsv != WSLAY_RSV_NONE) return refuse(rule::reserved_bits, "RSV1 to RSV3 = " + std::to_string(f.rsv));
  if (name == nullptr) return refuse(rule::opcode, std::to_string(f.opcode));
  if (side_ == role::server && !f.mask)
    return refuse(rule::masked_by_client, "a " + std::string(name) + " frame that is not");
  if (side_ == role::client && f.mask)
    return refuse(rule::unmasked_by_server, "a " + std::string(name) + " frame that is");
  opcode_ = f.opcode;
  in_frame_ = true;
  received_ = 0;
  if (is_control(opcode_)) {
    control_.clear();
    return true;
  }
  if (opcode_ == WSLAY_CONTINUATION_FRAME) {
    if (!in_message_) return refuse(rule::continues_a_message, "one after a whole message, or none");
  } else {
    if (in_message_) return refuse(rule::message_ends_first, "a " + std::string(name) + " frame within a message");
    in_message_ = true;
    partial_.kind = opcode_ == WSLAY_TEXT_FRAME ? message_kind::text : message_kind::binary;
    text_ = {};
  }
  const std::size_t had = partial_.data.size();
  if (f.payload_length > most_ - had) {
    std::string value = std::to_string(f.payload_length) + " octets";
    if (had != 0) value += " after " + std::to_string(had) + " of the same message";
    return refuse(rule::message_size, value + ", and it takes " + std::to_string(most_));
  }
  return true;
}

bool decoder::add(const wslay_frame_iocb& f) {
  received_ += f.data_length;
  if (f.data_length == 0) return true;
  const std::string_view part(reinterpret_cast<const char*>(f.data), f.data_length);
  if (is_control(opcode_)) {
    control_ += part;
    return true;
  }
  if (partial_.kind == message_kind::text) {
    if (const std::size_t good = text_.add(part); good != part.size()) {
      fail(rule::text, "octet " + std::to_string(static_cast<unsigned>(static_cast<std::uint8_t>(part[good]))) +
                           " at offset " + std::to_string(partial_.data.size() + good));
      return false;
    }
  }
  partial_.data += part;
  return true;
}

input decoder::end_control(message& into) {
  if (opcode_ == WSLAY_CONNECTION_CLOSE) return end_close();
  into = message::binary(control_);
  return opcode_ == WSLAY_PING ? input::ping : input::pong;
}

input decoder::end_close() {
  if (control_.empty()) {
    close_ = {close_code::no_code};
  } else {
    if (control_.size() == 1) return fail(rule::close_size, "one octet");
    const auto octet = [&](std::size_t i) { return static_cast<unsigned>(static_cast<std::uint8_t>(control_[i])); };
    const auto code = static_cast<close_code>(octet(0) << 8 | octet(1));
    if (!may_be_sent(code)) return fail(rule::close_code, std::to_string(static_cast<unsigned>(code)));
    if (!is_utf8(std::string_view(control_).substr(2))) return fail(rule::close_text, "other bytes");
    close_ = {code, control_.substr(2)};
  }
  closed_ = true;
  ended();
  return input::close;
}

input decoder::fail(rule r, std::string value) noexcept {
  failure_ = {r, std::move(value), frame_};
  return ended();
}

input decoder::ended() noexcept {
  partial_ = {};
  std::string().swap(control_);
  bytes_->remove_prefix(bytes_->size());
  return input::failed;
}

encoder::encoder(role side)
    : side_(side),
      frames_(make_context({.send_callback = &put, .recv_callback = nullptr, .genmask_callback = &mask}, this)) {}

long encoder::put(const std::uint8_t* bytes, std::size_t n, int, void* self) noexcept {
  static_cast<encoder*>(self)->out_->append(reinterpret_cast<const char*>(bytes), n);  // there is room: frame()
  return static_cast<long>(n);
}

int encoder::mask(std::uint8_t* into, std::size_t n, void* self) noexcept {
  encoder& e = *static_cast<encoder*>(self);
  std::memcpy(into, e.random_ + e.used_, n);  // they are there: frame()
  e.used_ += n;
  return 0;
}

// No exception may pass through libwslay, and none of its calls of ours can fail: room and mask are there before.
void encoder::frame(std::string& out, unsigned opcode, std::string_view payload) {
  out.reserve(out.size() + payload.size() + most_header);
  if (side_ == role::client && sizeof random_ - used_ < 4) {
    // The kernel gives so few at once, whole.
    if (getrandom(random_, sizeof random_, 0) != static_cast<ssize_t>(sizeof random_)) throw_errno("getrandom", "");
    used_ = 0;
  }
  out_ = &out;
  wslay_frame_iocb f{};
  f.fin = 1;
  f.opcode = static_cast<std::uint8_t>(opcode);
  f.payload_length = payload.size();
  f.mask = side_ == role::client;
  f.data = reinterpret_cast<const std::uint8_t*>(payload.data());
  f.data_length = payload.size();
  wslay_frame_send(frames_.get(), &f);
}

void encoder::add(std::string& out, const message& m) {
  frame(out, m.kind == message_kind::text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, m.data);
}

void encoder::ping(std::string& out, std::string_view data) { frame(out, WSLAY_PING, data); }

void encoder::pong(std::string& out, std::string_view data) { frame(out, WSLAY_PONG, data); }

void encoder::close(std::string& out, close_code code, std::string_view text) {
  std::string payload;
  if (code != close_code::no_code) {
    const auto n = static_cast<unsigned>(code);
    payload = {static_cast<char>(n >> 8), static_cast<char>(n & 0xFF)};
    payload += text;
  }
  frame(out, WSLAY_CONNECTION_CLOSE, payload);
}

}  // namespace weir::net::websocket
