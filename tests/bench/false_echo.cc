// Answers with one byte changed: for run_test.
#include <cstdio>

#include "weir/net/tcp.h"
#include "weir/runtime/runtime.h"

int main() {
  return weir::run([] {
    const weir::net::tcp_listener listener("127.0.0.1:0");
    std::printf("%d\n", listener.port());
    std::fflush(stdout);
    for (auto& conn : listener) {
      char bytes[64];
      while (conn.read_exactly(bytes)) {
        ++bytes[17];
        if (!conn.write_all({bytes, sizeof bytes})) break;
      }
    }
  });
}
