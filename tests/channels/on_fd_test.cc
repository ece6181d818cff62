#include "weir/channels/on_fd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/channels/selector.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::eventually;
using testing::in_actor;
using testing::rounds;
using weir::on_fd;

namespace {

constexpr auto readable = weir::fd_event::readable, writable = weir::fd_event::writable;

struct sockets {
  int here, there;
  sockets() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    here = ends[0], there = ends[1];
  }
  sockets(const sockets&) = delete;
  ~sockets() { close(here), close(there); }
  void put(std::string_view text = "x") const {
    EXPECT(write(there, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  bool take() const {
    char one;
    return read(here, &one, 1) == 1;
  }
};

}  // namespace

TEST_CASE("select waits for a descriptor and a channel, whichever comes first") {
  in_actor([] {
    const sockets s;
    auto [tx, rx] = weir::channel<int>(1);
    const auto next = [&] {
      return weir::select(on_fd(s.here, readable, [&] { return s.take() ? 'f' : '?'; }),
                          weir::on_recv(rx, [](std::optional<int>) { return 'c'; }));
    };
    weir::with_scope([&](weir::scope& scope) {
      auto peer = weir::channel<int>(0);
      scope.spawn([&, rx = std::move(peer.rx), tx = tx] {
        for (int& what : rx) what == 0 ? s.put() : static_cast<void>(tx.send(1));
      });
      for (int i = 0; i < rounds(2000); ++i) {
        peer.tx.send(i % 2);
        CHECK(next() == "fc"[i % 2]);
      }
      peer.tx.close();
    });
  });
}

TEST_CASE("on_fd is ready as long as the descriptor is not drained, and otherwise sees it at once") {
  in_actor([] {
    const sockets s;
    const auto look = [&] {
      return weir::select(on_fd(s.here, readable, [] { return true; }), weir::otherwise([] { return false; }));
    };
    CHECK(!look());
    s.put("ab");
    CHECK(look());
    CHECK(look());
    CHECK((s.take() && look()));
    CHECK((s.take() && !look()));
    CHECK(weir::select(on_fd(s.here, writable, [] { return 1; }), on_fd(s.here, readable, [] { return 2; })) == 1);
    CHECK(weir::select(on_fd(s.here, readable, [] { return 1; }), weir::after(2ms, [] { return 2; })) == 2);
  });
}

TEST_CASE("a select over a descriptor says in a dump what it waits for") {
  in_actor([] {
    const sockets s;
    weir::with_scope([&](weir::scope& scope) {
      scope.spawn("waiter", [&] { weir::select(on_fd(s.here, readable, [] {})); });
      eventually([] { return testing::waits("waiter", "select"); });
      CHECK(testing::row(testing::dump(), "waiter").find("fd " + std::to_string(s.here) + " readable") !=
            std::string::npos);
      s.put();
    });
  });
}

TEST_CASE("select throws what is wrong with a descriptor, whenever it finds out") {
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  in_actor([&] {
    auto [tx, rx] = weir::channel<int>(1);
    const auto over = [&, rx = rx](int fd) {
      return weir::select(on_fd(fd, readable, [] { return false; }),
                          weir::on_recv(rx, [](std::optional<int>) { return false; }));
    };
    CHECK_THROWS_WITH(over(1'000'000), Catch::Contains("on_fd: the descriptor must be open, got fd 1000000"));
    CHECK_THROWS_WITH(over(-1), Catch::Contains("got fd -1"));
    CHECK_THROWS_WITH(over(file), Catch::Contains("which is a file or a folder"));
    tx.send(1);
    CHECK(!weir::select(on_fd(-1, readable, [] { return true; }).when(false),
                        weir::on_recv(rx, [](std::optional<int>) { return false; })));
  });
  close(file);
}

TEST_CASE("while an actor unwinds from a cancel on_fd runs its body with false") {
  in_actor([] {
    const sockets s;
    int seen = -1;
    weir::with_scope([&](weir::scope& scope) {
      struct at_end {
        std::function<void()> f;
        ~at_end() { f(); }
      };
      scope.spawn([&] {
        const at_end look{[&] { weir::select(on_fd(s.here, readable, [&](bool ready) { seen = ready; })); }};
        weir::select(on_fd(s.here, readable, [] {}));
      });
      weir::this_actor::yield();
      scope.cancel();
    });
    CHECK(seen == 0);
  });
}

TEST_CASE("a selector waits for descriptors among other things") {
  in_actor([] {
    const sockets s;
    auto [tx, rx] = weir::channel<int>(1);
    int bytes = 0, values = 0;
    weir::with_scope([&, tx = std::move(tx), rx = std::move(rx)](weir::scope& scope) mutable {
      scope.spawn([&, tx = std::move(tx)] {
        for (int i = 0; i < 100; ++i) i % 2 ? s.put() : static_cast<void>(tx.send(i));
      });
      weir::selector all;
      all.add(on_fd(s.here, readable, [&] { bytes += s.take(); }));
      all.add(weir::on_recv(rx, [&](std::optional<int> v) { values += v.has_value(); }));
      while (bytes < 50 || values < 50) all.select();
    });
    CHECK(bytes == 50);
    CHECK(values == 50);
  });
}

TEST_CASE("plain threads select over descriptors") {
  const sockets s;
  std::thread other([&] { s.put(); });
  CHECK(weir::select(on_fd(s.here, readable, [] { return 1; }), weir::after(1h, [] { return 2; })) == 1);
  other.join();
  CHECK(s.take());
  CHECK(weir::select(on_fd(s.here, readable, [] { return 1; }), weir::after(5ms, [] { return 2; })) == 2);
  testing::check_expectations();
}

TEST_CASE("descriptors and channels and timers race for selects and nothing is lost or doubled") {
  in_actor([] {
    const sockets s;
    constexpr int selecting = 4;
    auto [tx, rx] = weir::channel<int>(0);
    const int n = rounds(4000);
    std::atomic<int> bytes{0}, values{0};
    weir::with_scope([&, tx = std::move(tx), rx = std::move(rx)](weir::scope& scope) mutable {
      for (int a = 0; a < selecting; ++a)
        scope.spawn([&, a, rx = rx] {
          std::mt19937 random(static_cast<unsigned>(a));
          bool open = true;
          while (open || bytes < n)
            weir::select(on_fd(s.here, readable, [&] { bytes += s.take(); }),
                         weir::on_recv(rx,
                                       [&](std::optional<int> v) {
                                         values += v.has_value();
                                         open = v.has_value();
                                       })
                             .when(open),
                         weir::after(std::chrono::microseconds(random() % 100), [] {}));
        });
      rx.reset();
      scope.spawn([&] {
        for (int i = 0; i < n; ++i) {
          s.put();
          if (i % 64 == 0) eventually([&] { return bytes >= i; });  // the socket has room for some hundred
        }
      });
      scope.spawn([&, tx = std::move(tx)] {
        for (int i = 0; i < n; ++i) EXPECT(tx.send(i));
      });
    });
    CHECK(bytes == n);
    CHECK(values == n);
  });
}
