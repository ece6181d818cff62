// Stands in for //bench:socket: sides that do wrong, and a right one. For run_test.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/net/side.h"
#include "bench/socket/messages.h"

int main(int argc, char** argv) {
  const bench::task t(argc, argv);
  if (t.role == "rep") return 0;  // without a port
  if (t.role == "pull") bench::say("1");
  if (t.role == "push") bench::wait_for_the_end();
  if (t.role == "req_rep") {
    bench::say("began");
    bench::say_ended(0, 0);
    bench::wait_for_the_end();
  }
  // What comes to a receiver: all, or without the third one.
  bench::arrivals arrived(t, 1);
  std::vector<std::byte> bytes(t.size);
  for (std::int64_t i = 0; i < t.all(); ++i) {
    bench::stamp(bytes.data(), bytes.size(), t.role == "pull" && i >= 2 ? i + 1 : i);
    arrived.got(0, bytes.data(), bytes.size());
  }
  bench::wait_for_the_end();
}
