#include "tests/net/message_endpoint_fuzz.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "weir/net/message_endpoint.h"

namespace fuzz {
namespace {

using weir::net::bad_endpoint;
using weir::net::message_transport;
using parsed = weir::net::message_endpoint;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "message_endpoint_fuzz: %s\n", what);
  std::abort();
}

std::optional<parsed> read(parsed (*as)(std::string_view), std::string_view text) {
  try {
    return as(text);
  } catch (const bad_endpoint& e) {
    must(e.column() >= 1 && e.column() <= text.size() + 1, "what is wrong is within the text, or its end");
    const std::string_view what = e.what();
    must(std::all_of(what.begin(), what.end(), [](char c) { return c >= ' ' && c <= '~'; }), "a complaint prints");
    must(what.find(weir::net::printable(text)) != what.npos, "a complaint has the text as it was written");
    return std::nullopt;
  }
}

}  // namespace

void message_endpoint(std::string_view text) {
  const auto bind = read(parsed::to_bind, text), connect = read(parsed::to_connect, text);
  must(!connect || bind == connect, "what can be connected to can be bound, and is the same");
  if (!bind) return;
  must(!bind->name.empty(), "a name is not empty");
  must(read(parsed::to_bind, bind->text()) == bind, "the text of an endpoint is read as the same endpoint");
  switch (bind->over) {
    case message_transport::tcp:
      must(weir::net::endpoint::parse(bind->stream().text()) == bind->stream(), "streams read it as the same");
      break;
    case message_transport::ipc:
      must(weir::net::endpoint::parse(bind->stream().text()) == bind->stream(), "streams read it as the same");
      must(bind->stream().numeric().has_value(), "a Unix socket needs no look-up");
      must(bind->name.size() <= weir::net::address::longest_local, "a path is bounded");
      break;
    case message_transport::inproc:
      must(bind->name.size() <= parsed::longest_inproc, "a name is bounded");
      break;
  }
}

std::vector<std::string> message_endpoint_seeds() {
  using namespace std::string_literals;
  return {"tcp://*:*",
          "tcp://*:0",
          "tcp://eth0:5555",
          "tcp://localhost:5555",
          "tcp://[::1]:80",
          "tcp://[fe80::1%1]:*",
          "tcp://300.0.0.1:65536",
          "ipc://*",
          "ipc:///run/weir/x.sock",
          "ipc://@a:b/c",
          "ipc:///" + std::string(107, 'x'),
          "ipc:///a\0b"s,
          "inproc://name",
          "inproc://" + std::string(256, 'n'),
          "inproc://" + std::string(257, 'n'),
          "tcp:/x",
          "udp://x:1"};
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::message_endpoint({reinterpret_cast<const char*>(data), size});
  return 0;
}
