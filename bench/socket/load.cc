// Starts the two sides of a message socket row, and measures what both take: the same for every system.
//   socket_load PROGRAM --list
//   socket_load PROGRAM WORKLOAD WORKERS N     as bench/harness/workload.h says; N messages, or round trips
// Starts `PROGRAM ROLE WORKERS SIZE N`, which prints a port, and `PROGRAM ROLE WORKERS SIZE N PORT`; or only the first,
// without a port, for what happens within a process. One of them measures (bench/net/side.h). With 1 worker both have
// the same core, else they go where they like.
//
// The sides number all messages and count them in order: one that is lost, doubled or changed, and there is no figure.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "bench/net/cores.h"
#include "bench/net/interval.h"
#include "bench/net/program.h"

namespace {

struct workload {
  const char* name;
  const char *first, *second;  // none: all in one process
  bool second_measures;
  const char* size;  // bytes of a message
  double scale = 0;  // of the rate, to what `unit` says; round trips have times
  const char* unit = "";
};
constexpr workload workloads[] = {
    {"push_pull_64B", "pull", "push", false, "64", 1e-6, "M/s"},
    {"push_pull_1KB", "pull", "push", false, "1024", 1e-6, "M/s"},
    {"push_pull_64KB", "pull", "push", false, "65536", 1e-3, "k/s"},
    {"push_pull_inproc", "inproc_push_pull", nullptr, false, "64", 1e-6, "M/s"},
    {"req_rep", "rep", "req", true, "64"},
    {"req_rep_loop", "req_rep", nullptr, false, "64"},
    {"pub_sub_10", "pub", "sub", true, "64", 1e-6, "M/s"},
};

void run(const workload& w, const std::string& program, const std::string& workers, const std::string& n) {
  const std::vector<int> usable = bench::cores();
  const int core = workers == "1" && usable.size() > 1 ? usable[0] : -1;
  if (core >= 0) bench::pin_to(usable[1]);
  bench::program first({program, w.first, workers, w.size, n}, core);
  std::optional<bench::program> second;
  if (w.second != nullptr)
    second.emplace(std::vector<std::string>{program, w.second, workers, w.size, n, first.line("port")}, core);
  bench::program& measuring = w.second_measures ? *second : first;
  bench::program* const other = w.second_measures ? &first : second ? &*second : nullptr;
  const bench::interval did = bench::measure(measuring, other);
  if (did.trips) {
    std::printf("%s time %.6g us\n", w.name, did.elapsed * 1e-3 / did.count);
    std::printf("%s p50 %.6g us\n", w.name, did.trips->p50 * 1e-3);
    std::printf("%s p99 %.6g us\n", w.name, did.trips->p99 * 1e-3);
  } else {
    std::printf("%s rate %.6g %s\n", w.name, did.count * 1e9 / did.elapsed * w.scale, w.unit);
  }
  std::printf("%s cpu %.6g us\n", w.name, (did.cpu + did.other_cpu) * 1e-3 / did.count);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[2], "--list") == 0) {
    for (const workload& w : workloads) std::printf("%s\n", w.name);
    return 0;
  }
  for (const workload& w : workloads) {
    if (argc != 5 || std::strcmp(argv[2], w.name) != 0) continue;
    run(w, argv[1], argv[3], argv[4]);
    return 0;
  }
  std::fprintf(stderr, "socket_load: takes PROGRAM WORKLOAD WORKERS N, or PROGRAM --list\n");
  return 2;
}
