// Many connections at once, and many after each other: what they cost, and that nothing is left behind.
#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/net/fresh.h"
#include "tests/net/occupied.h"
#include "tests/net/raw_socket.h"
#include "tests/sanitized.h"
#include "tests/testing.h"
#include "weir/net/datagram.h"
#include "weir/net/error.h"
#include "weir/net/local.h"
#include "weir/net/pipe.h"
#include "weir/net/tcp.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using net::tcp_connect;
using net::tcp_listener;
using testing::in_actor;
using testing::occupied;
using testing::raw_socket;
using testing::sanitized;

namespace {

// How many descriptors a process may have, at most `wanted` of them.
int allowed_descriptors(int wanted) {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(wanted)));
}

// A process of its own, with no weir in it, that keeps `count` connections open and sends a byte over each when told,
// which has to come back.
class crowd {
 public:
  crowd(std::uint16_t port, int count) {
    REQUIRE(pipe(tell_) == 0);
    REQUIRE(pipe(told_) == 0);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) run(port, count);
  }
  ~crowd() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    for (const int fd : {tell_[0], tell_[1], told_[0], told_[1]}) close(fd);
  }
  // Blocks. How many were there, or came back.
  int next() {
    REQUIRE(write(tell_[1], "x", 1) == 1);
    int n = -1;
    REQUIRE(read(told_[0], &n, sizeof n) == sizeof n);
    return n;
  }

 private:
  [[noreturn]] void run(std::uint16_t port, int count) {
    std::vector<int> all;
    const auto wait = [&] {
      char x;
      if (read(tell_[0], &x, 1) != 1) _exit(1);
    };
    const auto say = [&](int n) {
      if (write(told_[1], &n, sizeof n) != sizeof n) _exit(1);
    };
    wait();
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    for (int i = 0; i < count; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      // From an address of their own: of the usual one's ports others may need a certain one.
      const sockaddr_in from{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(0x7f4d0001)}, .sin_zero = {}};
      const int on = 1;
      setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      if (bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
          connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0)
        all.push_back(fd);
    }
    say(static_cast<int>(all.size()));
    for (;;) {
      wait();
      int back = 0;
      for (const int fd : all) {
        char x = static_cast<char>(fd);
        char y = 0;
        if (send(fd, &x, 1, MSG_NOSIGNAL) == 1 && recv(fd, &y, 1, 0) == 1 && x == y) ++back;
      }
      say(back);
    }
  }

  int tell_[2], told_[2];
  pid_t pid_;
};

}  // namespace

TEST_CASE("many idle connections take at most 6 KB each beside the kernel's and all of them live") {
  // A sanitizer's memory for a stack is many times ours.
  const int wanted = sanitized ? 500 : std::getenv("WEIR_NIGHTLY") ? 10'000 : 2000;
  const int count = allowed_descriptors(wanted + 100) - 100;
  REQUIRE(count >= 500);
  const tcp_listener listener("127.0.0.1:0");
  crowd clients(listener.port(), count);  // before there are threads
  in_actor([&] {
    std::atomic<int> open{0};
    with_scope([&](scope& s) {
      s.spawn("server", [&] {
        with_scope([&](scope& connections) {
          for (auto& conn : listener)
            connections.spawn("conn", [&, c = std::move(conn)] {
              ++open;
              char part[256];
              while (const auto r = c.read_some(part)) EXPECT(c.write_all({part, r.bytes}));
            });
        });
      });
      const std::size_t before = occupied();
      CHECK(blocking([&] { return clients.next(); }) == count);
      testing::eventually([&] { return open == count; });
      this_actor::sleep(10ms);  // so that the last ones wait
      const double each = static_cast<double>(occupied() - before) / count;
      INFO("bytes for each: " << each);
      if (!sanitized) CHECK(each <= 6 * 1024);
      CHECK(blocking([&] { return clients.next(); }) == count);
      listener.close();
      s.cancel();
    });
  });
}

TEST_CASE("descriptors and memory stay flat however many streams of every kind come and go") {
  in_actor([] {
    const testing::black_hole hole;
    const auto silent = *net::address::ip("127.0.0.1", hole.port());
    const auto deserted = *net::address::ip("127.0.0.1", testing::deserted_port());

    const auto exchange = [](const net::stream& a, const net::stream& b) {
      std::string text;
      EXPECT(a.write_all("hello\n"));
      EXPECT(b.read_until(text, "\n"));
      EXPECT(a.read_some(text, -1s).status == io_status::timeout);
    };
    // What one actor has for itself, so that it accepts its own.
    struct listeners {
      tcp_listener tcp{"127.0.0.1:0"};
      std::string name = testing::fresh_local_name();
      net::local_listener local{name};
      net::udp_socket udp{"127.0.0.1:0"};
    };
    const auto once = [&](const listeners& mine, int i) {
      {
        const auto a = tcp_connect(mine.tcp.at());
        const auto b = *mine.tcp.accept();
        exchange(a, b);
        if (i % 2) a.abort();
      }
      {
        const auto a = net::local_connect(mine.name);
        const auto b = *mine.local.accept();
        exchange(a, b);
      }
      {
        const auto [reader, writer] = net::make_pipe();
        EXPECT(writer.write_all("x"));
        char x[1];
        EXPECT(reader.read_exactly(x));
      }
      {
        const auto to = net::udp_connect(mine.udp.at());
        char x[1];
        EXPECT(to.send("x"));
        EXPECT(mine.udp.recv(x));
      }
      const auto how_it_fails = [](const net::address& to, deadline limit) {
        try {
          tcp_connect(to, limit);
          return 'x';
        } catch (const net::error& e) {
          return e.refused() ? 'r' : e.timeout() ? 't' : '?';
        }
      };
      EXPECT(how_it_fails(deserted, {}) == 'r');
      if (i % 20 == 0) EXPECT(how_it_fails(silent, 1ms) == 't');
    };
    const auto many = [&](int n) {
      with_scope([&](scope& s) {
        for (int worker = 0; worker < 2; ++worker)
          s.spawn([&] {
            const listeners mine;
            for (int i = 0; i < n; ++i) once(mine, i);
          });
      });
    };
    many(testing::rounds(100));
    const std::size_t descriptors = testing::open_descriptors(), memory = occupied();
    many(testing::rounds(250));
    CHECK(testing::open_descriptors() == descriptors);
    if (!sanitized) CHECK(occupied() < memory + (1 << 20));
  });
}
