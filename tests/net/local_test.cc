#include "weir/net/local.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/fresh.h"
#include "tests/net/raw_socket.h"
#include "tests/testing.h"
#include "weir/net/endpoint.h"
#include "weir/net/error.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using net::local_connect;
using net::local_listener;
using testing::in_actor;

namespace {

std::string rest_of(const net::stream& s) {
  std::string all;
  char part[4096];
  for (;;) {
    const auto r = s.read_some(part);
    all.append(part, r.bytes);
    if (!r) return all;
  }
}

// A path that is nobody else's, short enough for a socket.
std::string own_path(const char* name) { return "/tmp/" + testing::fresh_local_name().substr(1) + "_" + name; }
bool exists(const std::string& path) {
  struct stat about {};
  return lstat(path.c_str(), &about) == 0;
}

// As a process leaves it that is killed.
void leave_stale(const std::string& path) {
  const testing::raw_socket killed(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto at = *net::address::local(path);
  REQUIRE(bind(killed.fd(), at.data(), at.size()) == 0);
  REQUIRE(listen(killed.fd(), 1) == 0);
}

}  // namespace

TEST_CASE("a path and an abstract name are listened on and connected to alike") {
  in_actor([] {
    const std::string path = own_path("alike");
    for (const std::string& at : {path, testing::fresh_local_name()}) {
      INFO(at);
      {
        const local_listener listener(at);
        CHECK(listener.name() == "unix://" + at);
        CHECK(exists(path) == (at == path));
        with_scope([&](scope& s) {
          s.spawn("server", [&] {
            for (auto& conn : listener) EXPECT(conn.write_all(rest_of(conn)));
          });
          for (int i = 0; i < 20; ++i) {
            const auto c = local_connect(at);
            CHECK(c.write_all("ping " + std::to_string(i)));
            CHECK(c.shutdown());
            CHECK(rest_of(c) == "ping " + std::to_string(i));
          }
          listener.close();
          CHECK_FALSE(exists(path));
        });
      }
      CHECK_FALSE(exists(path));
      CHECK_THROWS_AS(local_connect(at), net::error);
    }
  });
}

TEST_CASE("a pair is connected, and knows who its peer is") {
  in_actor([] {
    const auto [a, b] = net::local_pair();
    CHECK(a.write_all("to b"));
    CHECK(b.write_all("to a"));
    char part[4];
    CHECK(a.read_exactly(part));
    CHECK(std::string(part, 4) == "to a");
    CHECK(a.peer().process == getpid());
    CHECK(a.peer().user == getuid());
    a.close();
    CHECK(rest_of(b) == "to b");
    CHECK(b.write_all("x").status == io_status::reset);
    CHECK_THROWS_AS(a.peer(), net::error);
  });
}

TEST_CASE("a file left behind by a listener that is gone is replaced, and one in use is not") {
  in_actor([] {
    const std::string path = own_path("stale");
    leave_stale(path);
    REQUIRE(exists(path));
    CHECK_THROWS_WITH(local_connect(path), "connect unix://" + path + ": connection refused (ECONNREFUSED)");
    CHECK_THROWS_WITH(local_listener(path, {.replace_stale = false}), Catch::EndsWith("(EADDRINUSE)"));
    {
      const local_listener listener(path);
      CHECK(local_connect(path));
      CHECK_THROWS_WITH(local_listener(path), "bind unix://" + path + ": address already in use (EADDRINUSE)");
      CHECK(local_connect(path));  // and is still there
    }
    CHECK_FALSE(exists(path));
    REQUIRE(testing::raw_socket(open(path.c_str(), O_CREAT | O_WRONLY, 0600)).fd() >= 0);
    CHECK_THROWS_AS(local_listener(path), net::error);  // no socket: somebody's file
    CHECK(exists(path));
    unlink(path.c_str());
  });
}

TEST_CASE("a listener does not remove the file of the one that took its place") {
  in_actor([] {
    const std::string path = own_path("replaced");
    local_listener first(path);
    REQUIRE(rename(path.c_str(), (path + ".old").c_str()) == 0);
    const local_listener second(path);
    first.reset();
    CHECK(exists(path));
    CHECK(local_connect(path));
    unlink((path + ".old").c_str());
  });
}

TEST_CASE("nor one that would have got its number") {
  in_actor([] {
    const std::string path = own_path("renumbered");
    for (int i = 0; i < 10; ++i) {  // a file system may give another one
      local_listener first(path);
      first.close();
      const local_listener second(path);  // takes the place of a file that nobody listens at
      first.reset();
      CHECK(exists(path));
      CHECK(local_connect(path));
    }
  });
}

TEST_CASE(
    "of several who start at one path at once over a stale file one listens and is heard, and the others are told") {
  const std::string path = own_path("raced");
  constexpr int count = 4;
  for (int round = 0; round < testing::rounds(500); ++round) {
    leave_stale(path);
    std::vector<local_listener> made(count);
    std::atomic<int> ready{0}, told{0};
    std::vector<std::thread> threads;
    for (local_listener& mine : made)
      threads.emplace_back([&] {
        ++ready;
        while (ready < count) std::this_thread::yield();
        try {
          mine = local_listener(path);
        } catch (const net::error& e) {
          told += e.code().value() == EADDRINUSE;
        }
      });
    for (std::thread& t : threads) t.join();
    REQUIRE(told == count - 1);
    const auto winner = std::find_if(made.begin(), made.end(), [](const local_listener& l) { return bool(l); });
    REQUIRE(winner != made.end());
    const auto c = local_connect(path);
    REQUIRE(winner->accept(60s));
    made.clear();
    REQUIRE_FALSE(exists(path));
  }
}

TEST_CASE("a listener waits for the folder's lock, but a second at most, and keeps no worker") {
  const std::string here = own_path("locked"), path = here + "/x";
  REQUIRE(mkdir(here.c_str(), 0700) == 0);
  {
    const testing::raw_socket folder(open(here.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    in_actor(
        [&] {
          REQUIRE(flock(folder.fd(), LOCK_EX) == 0);
          bool listens = false;
          with_scope([&](scope& s) {
            s.spawn("waits", [&] {
              const local_listener listener(path);
              listens = true;
            });
            this_actor::sleep(5ms);
            CHECK_FALSE(listens);
            CHECK(flock(folder.fd(), LOCK_UN) == 0);
            testing::eventually([&] { return listens; });
          });
          REQUIRE(flock(folder.fd(), LOCK_EX) == 0);
          const deadline second = 1s;
          const local_listener listener(path);
          CHECK(second.expired());
          CHECK(local_connect(path));
        },
        1);
  }
  CHECK(rmdir(here.c_str()) == 0);
}

TEST_CASE("who unwinds in a cancelled scope does not wait for room in a full queue") {
  in_actor(
      [] {
        const std::string at = testing::fresh_local_name();
        const local_listener listener(at, {.backlog = 0});
        std::vector<net::local_stream> waiting;
        try {
          for (int i = 0; i < 100; ++i) waiting.push_back(local_connect(at, 5ms));
        } catch (const net::error&) {
        }
        bool as_closed = false;
        struct connects_at_end {
          const std::string& at;
          bool& as_closed;
          ~connects_at_end() {
            try {
              local_connect(at);
            } catch (const net::error& e) {
              as_closed = e.closed();
            }
          }
        };
        with_scope([&](scope& s) {
          s.spawn("unwinds", [&] {
            const connects_at_end guard{at, as_closed};
            s.cancel();
            this_actor::sleep(1h);
          });
        });
        CHECK(as_closed);
      },
      1);
}

TEST_CASE("a connect to a full queue waits until there is room, or its deadline") {
  in_actor([] {
    const std::string at = testing::fresh_local_name();
    const local_listener listener(at, {.backlog = 0});
    std::vector<net::local_stream> waiting;
    try {
      for (int i = 0; i < 100; ++i) waiting.push_back(local_connect(at, 5ms));
      FAIL_CHECK("the queue has no end");
    } catch (const net::error& e) {
      CHECK(e.timeout());
    }
    CHECK_FALSE(within(5ms, [&] { local_connect(at); }));
    with_scope([&](scope& s) {
      s.spawn("late", [&] { EXPECT(local_connect(at)); });
      this_actor::sleep(3ms);
      while (listener.accept(100ms)) {
      }
    });
  });
}

TEST_CASE("what is no local name is refused with a sentence") {
  in_actor([] {
    CHECK_THROWS_WITH(local_connect("127.0.0.1:80"),
                      Catch::Contains("expected \"/PATH\", \"./PATH\" or \"@NAME\"; found"));
    CHECK_THROWS_AS(local_listener(""), net::bad_endpoint);
    CHECK_THROWS_AS(local_listener("/no/such/folder/x"), net::error);
  });
}
