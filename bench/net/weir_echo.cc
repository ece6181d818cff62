// echo_server for bench/net/load.cc: an actor for each connection.
#include <cstdio>
#include <cstdlib>

#include "weir/net/tcp.h"
#include "weir/weir.h"

int main(int argc, char** argv) {
  return weir::run({.workers = argc > 2 ? std::atoi(argv[2]) : 1}, [] {
    const weir::net::tcp_listener listener("127.0.0.1:0");
    std::printf("%d\n", listener.port());
    std::fflush(stdout);
    weir::with_scope([&](weir::scope& s) {
      for (auto& conn : listener)
        s.spawn("conn", [c = std::move(conn)] {
          char bytes[1024];
          while (const auto r = c.read_some(bytes))
            if (!c.write_all({bytes, r.bytes})) return;
        });
    });
  });
}
