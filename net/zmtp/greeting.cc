#include "weir/net/zmtp/greeting.h"

#include <fmt/format.h>

namespace weir::net::zmtp {
namespace {

constexpr std::size_t signature_end = 9, major_at = 10, mechanism_at = 12;

}  // namespace

void write_greeting(std::string& out, std::string_view mechanism, bool as_server, protocol_version ours) {
  const std::size_t begin = out.size();
  out.resize(begin + greeting_size, '\0');
  char* g = out.data() + begin;
  g[0] = '\xFF';
  g[signature_end] = '\x7F';
  g[major_at] = static_cast<char>(ours.major);
  g[major_at + 1] = static_cast<char>(ours.minor);
  mechanism.copy(g + mechanism_at, mechanism_size);
  g[mechanism_at + mechanism_size] = as_server ? 1 : 0;
}

std::size_t greeting_reader::take(std::string_view bytes, std::string_view mechanism, violation& failure) {
  std::size_t taken = 0;
  for (; taken < bytes.size() && !complete(); ++taken) {
    octets_[have_] = static_cast<std::uint8_t>(bytes[taken]);
    if (!check(have_, mechanism, failure)) return taken;
    ++have_;
  }
  return taken;
}

// Whether the octet that has just come, and what it completes, is right.
bool greeting_reader::check(std::size_t at, std::string_view mechanism, violation& failure) const {
  const unsigned octet = octets_[at];
  if (at == 0 && octet != 0xFF) {
    failure = {rule::signature_begin, hex(octet), at};
  } else if (at == signature_end && octet != 0x7F) {
    failure = {rule::signature_end, hex(octet), at};
  } else if (at == major_at && octet < 3) {
    // 0 is what libzmq 3.0 sent, 1 and 2 are ZMTP 2.0.
    failure = {rule::version, fmt::format("ZMTP 2.0 (version {})", octet), at};
  } else if (at == mechanism_at + mechanism_size - 1) {
    const std::string_view got(reinterpret_cast<const char*>(octets_.data()) + mechanism_at, mechanism_size);
    // All 20 octets: what stands behind a zero must be zeros.
    if (got.substr(0, mechanism.size()) != mechanism || got.find_first_not_of('\0', mechanism.size()) != got.npos)
      failure = {
          rule::mechanism,
          fmt::format("{}, ours is \"{}\",", printable(got.substr(0, got.find_last_not_of('\0') + 1)), mechanism),
          mechanism_at};
  }
  return !failure;
}

}  // namespace weir::net::zmtp
