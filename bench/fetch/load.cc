// The rows of HTTP clients, the same for every system: nginx serves, the client is measured.
//   fetch_load CLIENT --list
//   fetch_load CLIENT WORKLOAD WORKERS N     as bench/harness/workload.h says; N requests
// Starts nginx, one process that answers with 1 KiB from memory, and `CLIENT fetch WORKERS 1024 N PORT`
// (bench/net/side.h), which keeps 100 requests under way over as many connections, and checks each answer. With 1
// worker the client has one core and nginx another; with more both go where they like. A client whose workers are
// processes starts them before it says that it began, and has them live on.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/net/cores.h"
#include "bench/net/interval.h"
#include "bench/net/program.h"

namespace {

// A port of 127.0.0.1 that the kernel gives to nobody else as long as this lives; nginx, which sets SO_REUSEADDR as
// this does, may listen on it.
class reserved_port {
 public:
  reserved_port() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    if (fd_ < 0 || setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) bench::fail("socket");
    at_.sin_family = AF_INET;
    at_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at_;
    if (bind(fd_, address(), size) != 0 || getsockname(fd_, address(), &size) != 0) bench::fail("bind");
  }
  reserved_port(const reserved_port&) = delete;
  ~reserved_port() { close(fd_); }

  std::string number() const { return std::to_string(ntohs(at_.sin_port)); }
  // Returns when somebody listens there.
  void await() {
    using clock = std::chrono::steady_clock;
    for (const auto limit = clock::now() + std::chrono::minutes(1); clock::now() < limit;) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const bool there = fd >= 0 && connect(fd, address(), sizeof at_) == 0;
      if (fd >= 0) close(fd);
      if (there) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    bench::fail("nginx");
  }

 private:
  sockaddr* address() noexcept { return reinterpret_cast<sockaddr*>(&at_); }

  const int fd_;
  sockaddr_in at_{};
};

// A folder that goes with this, also when the program ends in the middle: nothing here calls anything but exit().
class scratch {
 public:
  scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "fetch_load.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) bench::fail("mkdtemp");
    path_ = name;
  }
  scratch(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

std::vector<std::string> nginx(const std::string& folder, const std::string& port) {
  std::ofstream conf(folder + "/conf");
  conf << "daemon off;\nmaster_process off;\nuser root root;\npid " << folder << "/pid;\n"
       << "events { worker_connections 1000; }\nhttp {\n";
  for (const char* what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    conf << "  " << what << "_temp_path " << folder << "/" << what << ";\n";
  conf << "  access_log off;\n  keepalive_requests 100000000;\n  default_type text/plain;\n"
       << "  server {\n    listen 127.0.0.1:" << port << ";\n    location / { return 200 \"" << std::string(1024, 'x')
       << "\"; }\n  }\n}\n";
  return {"/usr/sbin/nginx", "-p", folder, "-e", folder + "/error", "-c", folder + "/conf"};
}

void fetch(const std::string& client, const std::string& workers, const std::string& n) {
  const std::vector<int> usable = bench::cores();
  const bool pinned = workers == "1" && usable.size() > 1;
  static const scratch folder;
  reserved_port port;
  bench::program server(nginx(folder.path(), port.number()), pinned ? usable[1] : -1);
  port.await();
  bench::program under_test({client, "fetch", workers, "1024", n, port.number()}, pinned ? usable[0] : -1);
  const bench::interval did = bench::measure(under_test, &server);
  std::printf("fetch100 rate %.6g k/s\n", did.count * 1e6 / did.elapsed);
  std::printf("fetch100 cpu %.6g us\n", did.cpu * 1e-3 / did.count);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[2], "--list") == 0) {
    std::puts("fetch100");
    return 0;
  }
  if (argc == 5 && std::strcmp(argv[2], "fetch100") == 0) {
    fetch(argv[1], argv[3], argv[4]);
    return 0;
  }
  std::fprintf(stderr, "fetch_load: takes CLIENT WORKLOAD WORKERS N, or CLIENT --list\n");
  return 2;
}
