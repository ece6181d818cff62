// A server that a load puts to work.
//
// Thread-safety: none.
#pragma once

#include <cstdint>

#include "bench/net/program.h"

namespace bench {

class server : public program {
 public:
  // Starts `PROGRAM ROLE WORKERS`, which prints the port of 127.0.0.1 it listens on; on `core`, unless that is below 0.
  server(const char* program, const char* role, const char* workers, int core);

  std::uint16_t port() const noexcept { return port_; }

 private:
  std::uint16_t port_;
};

}  // namespace bench
