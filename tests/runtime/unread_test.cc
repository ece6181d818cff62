// Connections that have bytes nobody reads yet cost nothing while they wait: a set that is edge-triggered says once
// that they are there.
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/descriptors.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"

using namespace std::chrono_literals;
using namespace testing;

namespace {

struct effort {
  long switches = 0;  // a poll every millisecond would be a thousand a second
  std::chrono::nanoseconds on_a_core{};
};

// Of all threads of the process so far but those of a sanitizer.
effort so_far() {
  effort sum;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (!name.starts_with("weir")) continue;
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);)
      if (const auto colon = line.find("voluntary_ctxt_switches:"); colon == 0)
        sum.switches += std::stol(line.substr(24));
    long on_a_core = 0;
    std::ifstream(task.path() / "schedstat") >> on_a_core;
    sum.on_a_core += std::chrono::nanoseconds(on_a_core);
  }
  return sum;
}

// As many as there may be; a pair each.
int connections(int wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(static_cast<rlim_t>(wanted), limit.rlim_cur / 2 - 50));
}

}  // namespace

TEST_CASE("a thousand connections with unread bytes whose readers wait on a full channel cost nothing") {
  const int count = connections(1000);
  const std::chrono::milliseconds watched = std::getenv("WEIR_NIGHTLY") ? 10s : 1s;
  auto [tx, rx] = weir::channel<std::string>(1);
  weir::runtime r({.workers = workers()});
  std::vector<descriptor> here;
  std::vector<int> there;
  for (int i = 0; i < count; ++i) {
    const fd_pair p = sockets();
    here.emplace_back(p.a, descriptor::kind::bytes);
    there.push_back(p.b);
  }
  std::vector<weir::actor<int>> readers;
  for (int i = 0; i < count; ++i)
    readers.push_back(r.spawn("reader", [&d = here[static_cast<std::size_t>(i)], tx = tx] {
      int bytes = 0;
      for (;;) {
        std::string got = read_text(d);
        const auto size = static_cast<int>(got.size());
        if (size == 0) return bytes;
        bytes += size;
        tx.send(std::move(got));
      }
    }));
  // First they all wait for their descriptors, so that each has joined a set; then for the channel.
  const std::string text(64, 'x');
  constexpr int writes = 20;
  std::this_thread::sleep_for(50ms);
  for (const int fd : there)
    for (int i = 0; i < writes; ++i) REQUIRE(write(fd, text.data(), text.size()) == 64);
  while (tx.waiting() < static_cast<std::size_t>(count) - 1) std::this_thread::yield();
  // Workers search before they sleep, and the watchdog looks once more; when, is the machine's affair. Then it is
  // quiet.
  effort in_a_while;
  for (int i = 0; i < 20; ++i) {
    const effort before = so_far();
    std::this_thread::sleep_for(watched);
    const effort after = so_far();
    in_a_while = {after.switches - before.switches, after.on_a_core - before.on_a_core};
    if (in_a_while.switches < 10 && in_a_while.on_a_core < watched / 50) break;
  }
  CHECK(in_a_while.switches < 10);
  CHECK(in_a_while.on_a_core < watched / 50);  // one that polls without sleeping does not switch
  WARN(count << " connections, " << in_a_while.on_a_core.count() / 1000 << " us on a core in " << watched.count()
             << " ms");

  for (const int fd : there) close(fd);
  tx.reset();
  std::size_t sum = 0;
  for (std::string& got : rx) sum += got.size();
  for (auto& reader : readers) CHECK(reader.join() == writes * 64);
  CHECK(sum == static_cast<std::size_t>(count) * writes * 64);
}
