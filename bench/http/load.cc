// The load of the HTTP rows, the same for every server: wrk with one thread, keep-alive, 1 KiB an answer.
//   http_load SERVER --list
//   http_load SERVER WORKLOAD WORKERS N     as bench/harness/workload.h says; N is seconds, after one unmeasured
// Starts `SERVER http_server WORKERS` (bench/net/server.h). With 1 worker the server has one core and wrk another; with
// more both go where they like.
//
// An answer that is no 2xx, a connection that breaks, or a body of another length, and there is no figure.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "bench/net/cores.h"
#include "bench/net/server.h"

namespace {

constexpr double body_size = 1024;

struct workload {
  const char* name;
  int connections;
};
constexpr workload workloads[] = {{"http100", 100}};

// What wrk printed, or no more of this program.
std::string wrk(int connections, const std::string& seconds, std::uint16_t port) {
  const std::string command = "wrk --latency -t1 -c" + std::to_string(connections) + " -d" + seconds +
                              "s http://127.0.0.1:" + std::to_string(port) + "/";
  std::FILE* const out = popen(command.c_str(), "r");
  if (out == nullptr) bench::fail("wrk");
  std::string said;
  std::array<char, 4096> piece;
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), out)) said.append(piece.data(), n);
  if (pclose(out) == 0 && said.find("Socket errors") == said.npos && said.find("Non-2xx") == said.npos) return said;
  std::fprintf(stderr, "http_load: %s: some requests failed:\n%s", command.c_str(), said.c_str());
  std::exit(3);
}

struct figure {
  double value;
  std::string unit;  // and what follows it
};

// What stands behind `what`.
figure figure_after(const std::string& said, const std::string& what) {
  const std::size_t at = said.find(what);
  if (at == said.npos) {
    std::fprintf(stderr, "http_load: wrk printed no \"%s\":\n%s", what.c_str(), said.c_str());
    std::exit(1);
  }
  const char* const number = said.c_str() + at + what.size();
  char* end = nullptr;
  const double value = std::strtod(number, &end);
  return {value, end};
}

double microseconds(const figure& time) {
  return time.value * (time.unit.starts_with("us") ? 1 : time.unit.starts_with("ms") ? 1e3 : 1e6);
}

double bytes(const figure& amount) {
  double factor = 1;
  for (const char prefix : {'B', 'K', 'M', 'G', 'T'}) {
    if (amount.unit.starts_with(prefix)) break;
    factor *= 1024;
  }
  return amount.value * factor;
}

// "  123 requests in 1.00s, 139.50KB read"
double requests(const std::string& said) {
  const std::size_t at = said.find(" requests in ");
  const double count = at == said.npos ? 0 : std::strtod(said.c_str() + said.rfind('\n', at) + 1, nullptr);
  const double read = at == said.npos ? 0 : bytes(figure_after(said.substr(at), "s, "));
  if (count > 0 && read / count > body_size && read / count < body_size + 400) return count;
  std::fprintf(stderr, "http_load: %g requests brought %g bytes: a body is not %g bytes\n", count, read, body_size);
  std::exit(3);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[2], "--list") == 0) {
    for (const workload& w : workloads) std::printf("%s\n", w.name);
    return 0;
  }
  const workload* chosen = nullptr;
  for (const workload& w : workloads)
    if (argc == 5 && std::strcmp(argv[2], w.name) == 0) chosen = &w;
  if (chosen == nullptr) {
    std::fprintf(stderr, "http_load: takes SERVER WORKLOAD WORKERS SECONDS, or SERVER --list\n");
    return 2;
  }
  const std::vector<int> usable = bench::cores();
  const bool pinned = std::atoi(argv[3]) == 1 && usable.size() > 1;
  const bench::server under_test(argv[1], "http_server", argv[3], pinned ? usable[0] : -1);
  if (pinned) bench::pin_to(usable[1]);
  wrk(chosen->connections, "1", under_test.port());
  const std::int64_t cpu_before = under_test.cpu();
  const std::string said = wrk(chosen->connections, argv[4], under_test.port());
  const double cpu = static_cast<double>(under_test.cpu() - cpu_before);
  const double count = requests(said);  // before anything is printed: it ends the program if they were none
  std::printf("%s rate %.6g k/s\n", chosen->name, figure_after(said, "Requests/sec:").value / 1e3);
  std::printf("%s cpu %.6g us\n", chosen->name, cpu * 1e-3 / count);
  std::printf("%s p99 %.6g us\n", chosen->name, microseconds(figure_after(said, " 99%")));
  return 0;
}
