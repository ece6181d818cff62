// A chat server: everybody hears every line. Who reads too slowly is told how many lines were missed, and holds up
// nobody; who takes nothing for a minute is dropped.
//   chat [ENDPOINT]               try: nc 127.0.0.1 7001, several times
#include <cstdio>
#include <exception>
#include <string>

#include "weir/net/tcp.h"
#include "weir/weir.h"

using namespace std::chrono_literals;

namespace {

using room = weir::broadcast_sender<std::string>;
using ear = weir::broadcast_receiver<std::string>;

// What the room says goes to the client.
void tell(const weir::net::stream& client, const ear& hear) {
  for (;;) {
    auto heard = hear.recv();
    std::string line;
    if (heard.status() == weir::broadcast_status::lagged)
      line = "* you missed " + std::to_string(heard.missed()) + " lines\n";
    else if (heard)
      line = *heard;
    else
      return;
    if (!client.write_all(line, 1min)) break;
  }
  client.close();  // so that its other half ends too
}

// What the client says goes to the room; its first line is its name.
void listen(const weir::net::stream& client, const room& say) {
  std::string name, line;
  if (!client.read_until(name, "\n", 64, 1min)) return;
  name.pop_back();
  say.send("* " + name + " has come\n");
  while (client.read_until(line, "\n", 4096)) say.send(name + ": " + line);
  say.send("* " + name + " has left\n");
}

}  // namespace

int main(int argc, char** argv) try {
  return weir::run([&] {
    const weir::net::tcp_listener listener(argc > 1 ? argv[1] : "127.0.0.1:7001");
    std::printf("listening on %s\n", listener.name().c_str());
    std::fflush(stdout);
    auto [say, nobody] = weir::broadcast<std::string>(256, {.name = "room"});
    nobody.reset();
    weir::with_scope([&, &say = say](weir::scope& s) {
      for (auto& conn : listener)
        s.spawn("client", [say, c = std::move(conn)] {
          weir::with_scope([&](weir::scope& halves) {
            if (!c.write_all("your name? ")) return;  // before the ear begins, which is the one writer then
            halves.spawn("ear", [&, hear = say.subscribe()] { tell(c, hear); });
            listen(c, say);
            halves.cancel();
          });
        });
    });
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "chat: %s\n", e.what());
  return 1;
}
