// The load of the echo rows, the same for every server: epoll, one message of 64 bytes in flight for each connection.
//   load SERVER --list
//   load SERVER WORKLOAD WORKERS N     as bench/harness/workload.h says
// Starts `SERVER echo_server WORKERS` (server.h). With 1 worker the server has one core and the load another; with more
// both go where they like.
//   echo1, echo100, echo1000   so many connections, N requests; a tenth as many come first, unmeasured
//   connected10k               N connections, each with one request behind it: bytes of the server for each
//
// Every answer must be what was sent, or there is no figure.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "bench/net/cores.h"
#include "bench/net/server.h"

namespace {

using bench::cores;
using bench::fail;
using bench::pin_to;
using bench::server;

constexpr std::size_t message_size = 64;

// As many as this process, and so the server, may have.
void allow_descriptors(std::int64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit");
  if (limit.rlim_cur < static_cast<rlim_t>(wanted)) {
    std::fprintf(stderr, "load: %lld descriptors are needed, and %llu allowed (ulimit -Hn)\n",
                 static_cast<long long>(wanted), static_cast<unsigned long long>(limit.rlim_cur));
    std::exit(1);
  }
}

struct connection {
  int fd = -1;
  std::uint32_t number = 0, sequence = 0;
  std::size_t got = 0;
  std::int64_t sent_at = 0;
  std::array<char, message_size> out{}, in{};
};

std::int64_t now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class load {
 public:
  load(std::uint16_t port, std::int64_t count)
      : connections_(static_cast<std::size_t>(count)), set_(epoll_create1(EPOLL_CLOEXEC)) {
    if (set_ < 0) fail("epoll_create1");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    // 127.77.0.2: thousands of ports of the usual address would be in the way of whoever needs a certain one.
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7f4d0002);
    std::uint32_t number = 0;
    for (connection& c : connections_) {
      c.number = number++;
      if ((c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0) fail("socket");
      const int on = 1;
      setsockopt(c.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      if (bind(c.fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) fail("bind");
      if (connect(c.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail("connect");
      setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      epoll_event e{EPOLLIN, {.ptr = &c}};
      if (epoll_ctl(set_, EPOLL_CTL_ADD, c.fd, &e) != 0) fail("epoll_ctl");
    }
  }
  load(const load&) = delete;
  ~load() {
    for (const connection& c : connections_) close(c.fd);
    close(set_);
  }

  // `n` requests over all connections; the time each took, in nanoseconds.
  std::vector<std::uint32_t> run(std::int64_t n) {
    std::vector<std::uint32_t> took;
    took.reserve(static_cast<std::size_t>(n));
    std::int64_t begun = 0;
    for (connection& c : connections_)
      if (begun < n) ++begun, send_next(c);
    epoll_event ready[256];
    while (static_cast<std::int64_t>(took.size()) < n) {
      const int count = epoll_wait(set_, ready, 256, 60'000);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        std::fprintf(stderr, "load: no answer for a minute\n");
        std::exit(1);
      }
      for (int i = 0; i < count; ++i) {
        connection& c = *static_cast<connection*>(ready[i].data.ptr);
        if (!receive(c)) continue;
        took.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(now() - c.sent_at, UINT32_MAX)));
        if (begun < n) ++begun, send_next(c);
      }
    }
    return took;
  }

 private:
  void send_next(connection& c) {
    c.got = 0;
    ++c.sequence;
    for (std::size_t i = 0; i < message_size; i += 8) {
      std::memcpy(c.out.data() + i, &c.number, 4);
      std::memcpy(c.out.data() + i + 4, &c.sequence, 4);
    }
    c.sent_at = now();
    if (send(c.fd, c.out.data(), message_size, MSG_NOSIGNAL) != static_cast<ssize_t>(message_size)) fail("send");
  }

  // Whether the answer is complete.
  bool receive(connection& c) {
    const ssize_t got = recv(c.fd, c.in.data() + c.got, message_size - c.got, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return false;
    if (got == 0) {
      std::fprintf(stderr, "load: the server has closed a connection\n");
      std::exit(1);
    }
    if (got < 0) fail("recv");
    if ((c.got += static_cast<std::size_t>(got)) < message_size) return false;
    if (c.in == c.out) return true;
    std::fprintf(stderr, "load: an answer is not what was sent\n");
    std::exit(3);
  }

  std::vector<connection> connections_;
  const int set_;
};

double microseconds(std::vector<std::uint32_t>& took, double share) {
  const auto at = took.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(took.size() - 1));
  std::nth_element(took.begin(), at, took.end());
  return *at * 1e-3;
}

void echo(const char* workload, const server& under_test, std::int64_t connections, std::int64_t n) {
  load clients(under_test.port(), connections);
  clients.run(std::max(n / 10, connections));
  const std::int64_t cpu_before = under_test.cpu(), start = now();
  std::vector<std::uint32_t> took = clients.run(n);
  const double elapsed = static_cast<double>(now() - start), cpu = static_cast<double>(under_test.cpu() - cpu_before);
  std::printf("%s rate %.6g k/s\n", workload, static_cast<double>(n) * 1e6 / elapsed);
  std::printf("%s cpu %.6g us\n", workload, cpu * 1e-3 / static_cast<double>(n));
  std::printf("%s p50 %.6g us\n", workload, microseconds(took, 0.5));
  std::printf("%s p99 %.6g us\n", workload, microseconds(took, 0.99));
}

void connected(const char* workload, const server& under_test, std::int64_t n) {
  load(under_test.port(), 1).run(1);  // what the first connection of all takes is no connection's
  const std::int64_t before = under_test.memory();
  load clients(under_test.port(), n);
  clients.run(n);
  // The last answer is here before the server waits for the next question.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  std::printf("%s memory %.6g B\n", workload,
              static_cast<double>(under_test.memory() - before) / static_cast<double>(n));
}

struct workload {
  const char* name;
  std::int64_t connections;  // 0: N of them, idle
};
constexpr workload workloads[] = {{"echo1", 1}, {"echo100", 100}, {"echo1000", 1000}, {"connected10k", 0}};

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
    std::fprintf(stderr, "load: takes SERVER WORKLOAD WORKERS N, or SERVER --list\n");
    return 2;
  }
  const std::int64_t n = std::atoll(argv[4]);
  allow_descriptors((chosen->connections == 0 ? n : chosen->connections) + 100);
  const std::vector<int> usable = cores();
  const bool pinned = std::atoi(argv[3]) == 1 && usable.size() > 1;
  const server under_test(argv[1], "echo_server", argv[3], pinned ? usable[0] : -1);
  if (pinned) pin_to(usable[1]);
  if (chosen->connections == 0)
    connected(chosen->name, under_test, n);
  else
    echo(chosen->name, under_test, chosen->connections, n);
  return 0;
}
