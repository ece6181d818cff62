// http_server for bench/http/load.cc: 1 KiB of text at /.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "weir/net/http/server.h"
#include "weir/net/tcp.h"
#include "weir/weir.h"

using namespace weir::net;

int main(int argc, char** argv) {
  return weir::run({.workers = argc > 2 ? std::atoi(argv[2]) : 1}, [] {
    http::router routes;
    routes.on(http::method::get, "/",
              [body = std::string(1024, 'x')](http::exchange& x) { x.respond(http::status::ok, body); });
    const tcp_listener listener("127.0.0.1:0");
    std::printf("%d\n", listener.port());
    std::fflush(stdout);
    http::server(std::move(routes)).serve(listener);
  });
}
