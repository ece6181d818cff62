// A TCP proxy: what one side sends goes to the other, as fast as that one takes it. A side that ends its half ends the
// other's; one that breaks off breaks off both.
//   proxy LISTEN TARGET           try: proxy 127.0.0.1:7002 127.0.0.1:7000
#include <cstdio>
#include <exception>
#include <vector>

#include "weir/net/error.h"
#include "weir/net/tcp.h"
#include "weir/weir.h"

using namespace std::chrono_literals;
using weir::net::tcp_stream;

namespace {

// One direction. Nothing is read before what was read has been written: that is the back-pressure.
void pump(const tcp_stream& from, const tcp_stream& to) {
  std::vector<char> bytes(64 * 1024);
  for (;;) {
    const auto r = from.read_some(bytes);
    if (r.status == weir::net::io_status::end) {
      (void)to.shutdown();  // the other direction goes on
      return;
    }
    if (!r || !to.write_all({bytes.data(), r.bytes})) break;
  }
  from.abort();
  to.abort();
}

void serve(const tcp_stream& client, const char* target) {
  try {
    const tcp_stream server = weir::net::tcp_connect(target, 5s);
    weir::with_scope([&](weir::scope& s) {
      s.spawn("up", [&] { pump(client, server); });
      pump(server, client);
    });
  } catch (const weir::net::error& e) {
    std::fprintf(stderr, "proxy: %s\n", e.what());
    client.abort();
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr,
                 "proxy: takes two endpoints, where to listen and where to connect. For example: "
                 "proxy 127.0.0.1:7002 127.0.0.1:7000\n");
    return 2;
  }
  return weir::run([&] {
    const weir::net::tcp_listener listener(argv[1]);
    std::printf("listening on %s\n", listener.name().c_str());
    std::fflush(stdout);
    weir::with_scope([&](weir::scope& s) {
      for (auto& conn : listener) s.spawn("conn", [c = std::move(conn), target = argv[2]] { serve(c, target); });
    });
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "proxy: %s\n", e.what());
  return 1;
}
