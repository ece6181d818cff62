// The server that is measured: a process of its own, which ends with this one.
//
// Thread-safety: none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>

namespace bench {

// Prints why, with errno, and ends the program.
[[noreturn]] void fail(const char* what);

class server {
 public:
  // Starts `PROGRAM ROLE WORKERS`, which prints the port of 127.0.0.1 it listens on; on `core`, unless that is below 0.
  server(const char* program, const char* role, const char* workers, int core);
  server(const server&) = delete;
  ~server();

  std::uint16_t port() const noexcept { return port_; }
  // User and system time of all its threads so far, in nanoseconds.
  std::int64_t cpu() const;
  // Bytes of resident memory and page tables.
  std::int64_t memory() const;

 private:
  pid_t pid_;
  std::uint16_t port_ = 0;
  clockid_t clock_{};
};

}  // namespace bench
