// broker: clients ask at one end, workers answer at the other, and nobody knows how many there are of the others: a
// ROUTER, a DEALER, and a proxy between them. At a third endpoint everything that passes can be seen, and is never
// waited for.
//   broker CLIENTS WORKERS [SHOWN]     three endpoints; broker --help: what to try
#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>

#include "weir/net/socket/dealer_router.h"
#include "weir/net/socket/proxy.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/weir.h"

namespace net = weir::net;

namespace {

const char* const help = R"(Usage: broker CLIENTS WORKERS [SHOWN]

Where clients connect, where workers do, and where everything that passes is published.
Try, each in a shell of its own:
  broker tcp://127.0.0.1:5559 tcp://127.0.0.1:5560 ipc://@shown
  rpc work tcp://127.0.0.1:5560                 as many of these as you like
  zcat sub --json --connect ipc://@shown
  rpc ask tcp://127.0.0.1:5559)";

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1 && argv[1] == std::string_view("--help")) return std::puts(help) < 0;
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "broker: takes two or three endpoints; got %d. See broker --help.\n", argc - 1);
    return 2;
  }
  return weir::run([&] {
    net::router_socket clients;
    net::dealer_socket workers;
    net::pub_socket shown;
    std::printf("clients at %s\n", clients.bind(argv[1]).c_str());
    std::printf("workers at %s\n", workers.bind(argv[2]).c_str());
    if (argc > 3) std::printf("shown at %s\n", shown.bind(argv[3]).c_str());
    std::fflush(stdout);

    weir::with_scope([&](weir::scope& s) {
      s.spawn("proxy", [&] { net::proxy(clients, workers, &shown); });
      weir::select(weir::on_signal(SIGINT, [] {}), weir::on_signal(SIGTERM, [] {}));
      s.cancel();
    });
    const net::socket_statistics asked = clients.statistics(), answered = workers.statistics();
    std::printf("%ju questions, %ju answers; dropped, as the client had gone or did not read: %ju\n",
                std::uintmax_t{asked.received}, std::uintmax_t{answered.received}, std::uintmax_t{asked.dropped});
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "broker: %s\n", e.what());
  return 1;
}
