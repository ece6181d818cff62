// An echo server: an actor for each connection. Ctrl-C or SIGTERM cancels them all.
//   echo_server [ENDPOINT]        try: nc 127.0.0.1 7000
#include <cstdio>
#include <exception>

#include "weir/net/tcp.h"
#include "weir/weir.h"

int main(int argc, char** argv) try {
  return weir::run([&] {
    const weir::net::tcp_listener listener(argc > 1 ? argv[1] : "127.0.0.1:7000");
    std::printf("listening on %s\n", listener.name().c_str());
    std::fflush(stdout);
    weir::with_scope([&](weir::scope& s) {
      for (auto& conn : listener)
        s.spawn("conn", [c = std::move(conn)] {
          char bytes[16 * 1024];
          while (const auto r = c.read_some(bytes))  // until the peer has ended, or is gone
            if (!c.write_all({bytes, r.bytes})) return;
        });
    });
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "echo_server: %s\n", e.what());
  return 1;
}
