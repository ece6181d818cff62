// zmtp_codec: what the codec of ZMTP costs for each message, without a kernel between the two sides.
//   encode   a message is made of bytes, and appended; each 64 KiB the pieces are copied away, as a write would
//   decode   these are copied in, as a read would, and each message is taken
//   both     one after the other; the copies are in it
//
// Usage: bazel run -c opt //bench:zmtp_codec
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "weir/net/message.h"
#include "weir/net/zmtp/decoder.h"
#include "weir/net/zmtp/encoder.h"

namespace {

using weir::net::frame;
using weir::net::message;
using namespace weir::net::zmtp;

constexpr std::size_t batch = 64 * 1024;

double nanoseconds(auto f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

// The bytes of as many messages as fit a batch.
std::size_t encode(encoder& e, const std::string& body, std::size_t count, std::vector<std::byte>& into) {
  for (std::size_t i = 0; i < count; ++i) e.add(message(frame(std::string_view(body))));
  std::size_t at = 0;
  for (const weir::net::const_buffer& piece : e.pieces()) {
    std::memcpy(into.data() + at, piece.data(), piece.size());
    at += piece.size();
  }
  e.wrote(at);
  return at;
}

std::uint64_t decode(decoder& d, const std::vector<std::byte>& from, std::size_t size) {
  std::uint64_t sum = 0;
  message m;
  for (std::size_t at = 0; at < size;) {
    const weir::net::mutable_buffer room = d.room();
    const std::size_t n = std::min(room.size(), size - at);
    std::memcpy(room.data(), from.data() + at, n);
    d.filled(n);
    at += n;
    while (d.next(m) == input::message) sum += m.front().size();
  }
  return sum;
}

void measure(std::size_t size) {
  const std::string body(size, 'x');
  const std::size_t count = std::max<std::size_t>(1, batch / (size + (size > 255 ? 9 : 2)));
  std::vector<std::byte> wire(count * (size + 9));
  encoder e;
  decoder d;
  const std::size_t rounds = std::max<std::size_t>(1, 4'000'000 / (count * (1 + size / 2000)));
  double encoding = 0, decoding = 0;
  std::uint64_t sum = 0;
  for (std::size_t round = 0; round < rounds + rounds / 10; ++round) {
    if (round == rounds / 10) encoding = decoding = 0, sum = 0;  // warm
    std::size_t bytes = 0;
    encoding += nanoseconds([&] { bytes = encode(e, body, count, wire); });
    decoding += nanoseconds([&] { sum += decode(d, wire, bytes); });
  }
  if (sum != static_cast<std::uint64_t>(rounds) * count * size) std::abort();
  const double messages = static_cast<double>(rounds) * static_cast<double>(count);
  std::printf("%8zu B  encode %9.1f ns  decode %9.1f ns  both %9.1f ns  %8.2f M/s\n", size, encoding / messages,
              decoding / messages, (encoding + decoding) / messages, messages / (encoding + decoding) * 1e3);
}

}  // namespace

int main() {
  for (const std::size_t size : {0, 16, 64, 71, 72, 128, 256, 1024, 4096, 16384, 65536, 1 << 20}) measure(size);
}
