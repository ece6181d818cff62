// What programs that a load starts have in common; knows no system.
//   task                   what a side is told
//   say_began, say_ended   when what is measured begins and ends; interval.h reads it
//
// Thread-safety: none.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bench {

// PROGRAM ROLE WORKERS SIZE N [PORT]
struct task {
  task(int argc, char** argv) {
    if (argc == 5 || argc == 6) {
      role = argv[1];
      workers = std::atoi(argv[2]);
      size = static_cast<std::size_t>(std::atoll(argv[3]));
      n = std::atoll(argv[4]);
      if (argc == 6) port = argv[5];
    }
    if (workers >= 1 && n >= 1 && size >= 16) return;
    std::fprintf(stderr, "%s: takes ROLE WORKERS SIZE N [PORT], all numbers at least 1, SIZE 16\n", argv[0]);
    std::exit(2);
  }

  // So many messages, or requests, come first, unmeasured.
  std::int64_t warm() const noexcept { return std::max<std::int64_t>(n / 10, 1); }
  std::int64_t all() const noexcept { return warm() + n; }
  std::string endpoint() const { return "tcp://127.0.0.1:" + (port.empty() ? "*" : port); }

  std::string_view role;
  int workers = 0;
  std::size_t size = 0;
  std::int64_t n = 0;
  std::string port;  // of 127.0.0.1, where the other side is; empty: this is the side that listens
};

inline void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// The port at the end of an endpoint, for the other side.
inline void say_port(std::string_view endpoint) { say(std::string(endpoint.substr(endpoint.rfind(':') + 1))); }

// All programs wait to be killed, so that their processor time can be read.
[[noreturn]] inline void wait_for_the_end() {
  for (;;) pause();
}

inline std::int64_t now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline void say_began() { say("began"); }
inline void say_ended(std::int64_t count, std::int64_t nanoseconds, const std::string& more = "") {
  say("ended " + std::to_string(count) + " " + std::to_string(nanoseconds) + more);
}

}  // namespace bench
