// start_server is a listener and an actor for each connection; open_connection is tcp_connect.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string>

#include "weir/net/tcp.h"
#include "weir/weir.h"

namespace net = weir::net;

namespace {

void serve(const net::tcp_stream& client) {
  std::string line;
  while (client.read_until(line, "\n")) {
    std::ranges::transform(line, line.begin(), [](unsigned char c) { return std::toupper(c); });
    if (!client.write_all(line)) return;
  }
}

}  // namespace

int main() {
  return weir::run([] {
    const net::tcp_listener listener("127.0.0.1:0");
    weir::with_scope([&](weir::scope& s) {
      s.spawn("server", [&] {
        for (auto& client : listener) s.spawn("client", [c = std::move(client)] { serve(c); });
      });
      const net::tcp_stream server = net::tcp_connect(listener.at());
      std::string line;
      for (const char* word : {"salmon\n", "trout\n"})
        if (server.write_all(word) && server.read_until(line, "\n")) std::printf("%s", line.c_str());
      listener.close();
    });
  });
}
