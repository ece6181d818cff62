#include "bench/net/server.h"

#include <cstdio>
#include <cstdlib>

namespace bench {

server::server(const char* name, const char* role, const char* workers, int core)
    : program({name, role, workers}, core), port_(static_cast<std::uint16_t>(std::atoi(line("port").c_str()))) {
  if (port_ != 0) return;
  std::fprintf(stderr, "load: %s printed no port\n", name);
  std::exit(1);
}

}  // namespace bench
