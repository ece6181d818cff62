// An idle program uses no CPU: 1000 actors are parked for 10 s, and no thread of the process may be switched to more
// than twice. Counted from outside, by the thread that is not weir's: it sleeps meanwhile, too.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "weir/weir.h"

namespace {

constexpr int actors = 1000;
constexpr long allowed = 2;

struct thread_counts {
  std::string name;
  long switches = 0;
};

// By thread id: voluntary and other context switches so far.
std::map<std::string, thread_counts> threads() {
  std::map<std::string, thread_counts> counts;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    thread_counts& c = counts[entry.path().filename()];
    std::ifstream status(entry.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("Name:")) c.name = line.substr(6);
      if (const auto colon = line.find("ctxt_switches:"); colon != std::string::npos)
        c.switches += std::atol(line.c_str() + colon + 14);
    }
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  const std::chrono::milliseconds watched(argc > 1 ? std::atol(argv[1]) : 10'000);
  auto [gate, waiting] = weir::channel<char>(0);
  weir::runtime r({.workers = 2});
  std::vector<weir::actor<void>> parked;
  for (int i = 0; i < actors; ++i) parked.push_back(r.spawn("parked", [rx = waiting] { rx.recv(); }));
  while (waiting.waiting() < actors) std::this_thread::yield();
  // Workers search before they sleep, and the watchdog looks once more: let them come to rest.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));

  const auto before = threads();
  std::this_thread::sleep_for(watched);
  auto after = threads();
  gate.reset();
  for (auto& a : parked) a.join();

  bool calm = true;
  std::printf("%d parked actors, %lld ms: context switches per thread\n", actors,
              static_cast<long long>(watched.count()));
  for (const auto& [id, now] : after) {
    const auto then = before.find(id);
    const long switches = now.switches - (then == before.end() ? 0 : then->second.switches);
    const bool within = switches <= allowed;
    calm = calm && within && then != before.end();
    std::printf("  %-16s %6ld%s\n", now.name.c_str(), switches, within ? "" : "  more than 2");
  }
  return calm ? 0 : 1;
}
