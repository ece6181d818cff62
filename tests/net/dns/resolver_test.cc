// weir::net::resolver against name servers that are real, silent, slow, or talk nonsense.
#include "weir/net/dns/resolver.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/child.h"
#include "tests/net/dns/fake_server.h"
#include "tests/net/folder.h"
#include "tests/net/fresh.h"
#include "tests/net/occupied.h"
#include "tests/refused_syscall.h"
#include "tests/sanitized.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/files/file_info.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/scope.h"

namespace {

using namespace std::chrono_literals;
using testing::dns_answer;
using testing::dns_question;
using testing::fake_server;
using testing::folder;
using testing::in_actor;
using weir::net::address;
using weir::net::dns_errc;
using weir::net::resolver;
using weir::net::resolver_options;
using strings = std::vector<std::string>;

strings texts(const std::vector<address>& all) {
  strings made;
  for (const address& a : all) made.push_back(a.text());
  return made;
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const weir::net::error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

// However slow the name server: its answers come, and that of the other family, too.
resolver_options patient(const address& server) {
  return {.servers = {server}, .hosts = "/nonexistent", .timeout = 100s, .other_family = 100s};
}
// Asks `server` only, and never for long.
resolver_options asking(const address& server, const std::string& hosts = "/nonexistent") {
  return {.servers = {server}, .hosts = hosts, .timeout = 200ms, .tries = 2};
}

// A call of the blocking pool that keeps its thread until release(), or until this object goes.
class held_thread {
 public:
  held_thread() = default;
  held_thread(const held_thread&) = delete;
  ~held_thread() { release(); }
  void release() {
    released_ = true;
    released_.notify_all();
  }

 private:
  std::atomic<bool> released_{false};
  weir::actor<void> holder_ =
      weir::spawn("holder", [this] { weir::blocking([this] { released_.wait(false); }); });  // joined at its end
};

// Debian's dnsmasq, with names of the test's own.
class dnsmasq {
 public:
  explicit dnsmasq(const folder& in) {
    // A port that is free when it is looked for may be another's when dnsmasq takes it, for TCP as well.
    for (int i = 0; i < 50; ++i)
      if (start(in, "log" + std::to_string(i))) return;
    FAIL("dnsmasq does not start: " + log());
  }
  dnsmasq(const dnsmasq&) = delete;
  ~dnsmasq() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  const address& at() const noexcept { return at_; }
  std::string log() const { return testing::content_of(log_); }
  // Until it answers; it is refused before it listens.
  void await(resolver& by) const {
    for (int i = 0; i < 1000; ++i) {
      try {
        by.resolve("four.test");
        return;
      } catch (const weir::net::error&) {
        weir::this_actor::sleep(10ms);
      }
    }
    FAIL("dnsmasq does not answer: " + log());
  }

 private:
  // Whether it listens.
  bool start(const folder& in, const std::string& log_name) {
    const int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const address any = *address::ip("127.0.0.1", 0);
    REQUIRE(bind(probe, any.data(), any.size()) == 0);
    at_ = address::of_socket(probe);
    close(probe);
    strings arguments{"dnsmasq",
                      "--keep-in-foreground",
                      "--no-resolv",
                      "--no-hosts",
                      "--no-daemon",
                      "--conf-file=/dev/null",
                      "--listen-address=127.0.0.1",
                      "--bind-interfaces",
                      "--no-dhcp-interface=lo",
                      "--user=",
                      "--group=",
                      "--pid-file=" + in / "pid",
                      "--port=" + std::to_string(at_.port()),
                      "--local=/test/",
                      "--host-record=both.test,10.1.2.3,fd00::3,300",
                      "--host-record=four.test,10.1.2.4,300",
                      "--host-record=brief.test,10.1.2.5,1",
                      "--cname=alias.test,both.test,200",
                      "--txt-record=text.test,nothing"};
    for (int i = 0; i < 60; ++i) arguments.push_back("--host-record=many.test,10.2.0." + std::to_string(i) + ",300");
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    log_ = in / log_name;
    posix_spawn_file_actions_addopen(&actions, 1, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    REQUIRE(posix_spawn(&pid_, "/usr/sbin/dnsmasq", &actions, nullptr, argv.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    while (log().find("dnsmasq: started") == std::string::npos) {
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) return pid_ = -1, false;
      usleep(1000);
    }
    return true;
  }

  address at_;
  std::string log_;
  pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("numbers and names of the hosts file need no name server") {
  const folder here;
  const std::string hosts = here.file("hosts", "10.9.9.9 box.test Box\nfd00::9 box.test\n");
  fake_server silent([](const dns_question&) { return std::nullopt; });
  in_actor([&] {
    resolver r(asking(silent.at(), hosts));
    CHECK(texts(r.resolve("192.0.2.1", 80)) == strings{"192.0.2.1:80"});
    CHECK(texts(r.resolve("2001:db8::1", 80)) == strings{"[2001:db8::1]:80"});
    CHECK(r.resolve("BOX.test", 80).size() == 2);
    CHECK(texts(r.resolve("box", 0)) == strings{"10.9.9.9:0"});
    CHECK(r.resolve("box.test.").size() == 2);
    CHECK(texts(r.resolve("localhost", 1)) == strings{"[::1]:1", "127.0.0.1:1"});
    CHECK(r.resolve("x.localhost").size() == 2);
    CHECK(error_of([&] { r.resolve("a..b"); }).find("resolve a..b: not a host name") == 0);
    CHECK(error_of([&] { r.resolve(""); }).find("not a host name") != std::string::npos);
    CHECK(silent.questions() == 0);
    CHECK(r.stats().questions == 0);
  });
}

TEST_CASE("a hosts file that cannot be read is as none, and a look-up that is late is late as a look-up") {
  const folder here;
  fake_server server([](const dns_question& q) { return dns_answer(q, 0, q.v6 ? "" : "10.0.0.3"); });
  in_actor([&] {
    resolver_options options = patient(server.at());
    options.hosts = here.path();  // a folder: EISDIR
    resolver r(options);
    CHECK_FALSE(r.resolve("a.test").empty());
    CHECK(texts(r.resolve("localhost", 1)) == strings{"[::1]:1", "127.0.0.1:1"});
    resolver late(asking(server.at(), here.file("hosts", "")));
    CHECK_THAT(error_of([&] { late.resolve("b.test", 0, -1s); }), Catch::StartsWith("resolve b.test: "));
  });
}

TEST_CASE("a hosts file that changes is read again") {
  const folder here;
  const std::string hosts = here.file("hosts", "10.0.0.1 a.test\n");
  fake_server none([](const dns_question& q) { return dns_answer(q, 3); });
  in_actor([&] {
    resolver r(asking(none.at(), hosts));
    CHECK(texts(r.resolve("a.test")) == strings{"10.0.0.1:0"});
    here.file("hosts", "10.0.0.22 a.test\n");
    testing::eventually([&] { return texts(r.resolve("a.test")) == strings{"10.0.0.22:0"}; });
  });
}

TEST_CASE("a real name server: both families, aliases, many addresses, names that are not there") {
  const folder here;
  const dnsmasq server(here);
  in_actor([&] {
    resolver r(patient(server.at()));
    server.await(r);
    const strings both = texts(r.resolve("both.test", 443));
    CHECK(both.size() == 2);
    CHECK(std::count(both.begin(), both.end(), "10.1.2.3:443") == 1);
    CHECK(std::count(both.begin(), both.end(), "[fd00::3]:443") == 1);
    CHECK(texts(r.resolve("four.test")) == strings{"10.1.2.4:0"});
    CHECK(r.resolve("alias.test").size() == 2);
    CHECK(r.resolve("FOUR.Test.").size() == 1);
    CHECK(r.resolve("many.test").size() == 60);  // too many for a datagram: asked for again over TCP
    CHECK(error_of([&] { r.resolve("nosuch.test"); }) == "resolve nosuch.test: name does not exist");
    CHECK(error_of([&] { r.resolve("text.test"); }) == "resolve text.test: name has no address");
    CHECK(error_of([&] { r.resolve("outside.example"); }) == "resolve outside.example: the name server refuses");
  });
}

TEST_CASE("a question needs less than 64 KiB of stack") {
  const folder here;
  const dnsmasq server(here);
  in_actor([&] {
    resolver r(patient(server.at()));
    server.await(r);
    r.forget();
    std::size_t used = 0;
    weir::spawn(
        [&] {
          r.resolve("many.test");
          r.resolve("both.test");
          used = weir::this_actor::stack_used();
        },
        {.stack = 64 << 10})
        .join();
    CHECK(used > 0);
  });
}

TEST_CASE("what is known is not asked for again, for as long as the name server says") {
  const folder here;
  const dnsmasq server(here);
  in_actor([&] {
    resolver_options options = patient(server.at());
    options.longest_failure = 3600s;
    resolver r(options);
    server.await(r);
    const auto before = r.stats().questions;
    for (int i = 0; i < 10; ++i) CHECK(r.resolve("both.test", 443).size() == 2);
    CHECK(r.stats().questions == before + 1);
    for (int i = 0; i < 10; ++i)
      CHECK(error_of([&] { r.resolve("nosuch.test"); }).find("does not exist") != std::string::npos);
    CHECK(r.stats().questions == before + 2);
    r.resolve("brief.test");  // good for one second
    testing::eventually([&] {
      r.resolve("brief.test");
      return r.stats().questions >= before + 4;
    });
    r.forget();
    CHECK(r.stats().names == 0);
  });
}

TEST_CASE("child: no room to watch a socket", "[.child]") {
  fake_server server([](const dns_question& q) { return dns_answer(q, 0, q.v6 ? "" : "10.0.0.3"); });
  in_actor(
      [&] {
        resolver r(patient(server.at()));
        REQUIRE(testing::refuse_syscall(SYS_epoll_ctl, ENOSPC));
        CHECK(error_of([&] { r.resolve("a.test", 0, 100s); }) == "resolve a.test: no space left on device (ENOSPC)");
      },
      1);
}

TEST_CASE("a question whose socket the kernel has no room to watch fails at once, and says so") {
  const auto end = testing::run_child("child: no room to watch a socket");
  INFO(end.output);
  CHECK(end.exit_status == 0);
}

TEST_CASE("a name server that is silent costs the time it was given, and no more") {
  fake_server silent([](const dns_question&) { return std::nullopt; });
  in_actor([&] {
    resolver r(asking(silent.at()));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(error_of([&] { r.resolve("a.test"); }) == "resolve a.test: no name server answers");
    CHECK(std::chrono::steady_clock::now() - begin >= 600ms);  // 200, then 400
    testing::eventually([&] { return silent.questions() >= 4; });
    resolver waits(patient(silent.at()));
    try {
      waits.resolve("b.test", 0, 50ms);
      FAIL_CHECK("nothing was thrown");
    } catch (const weir::net::error& e) {
      CHECK(e.timeout());
      CHECK(std::string(e.what()) == "resolve b.test: the deadline came first");
    }
    CHECK(r.stats().names == 0);  // silence is not kept
  });
}

TEST_CASE("a silent name server keeps no file waiting, though one thread does all calls that wait") {
  fake_server silent([](const dns_question&) { return std::nullopt; });
  weir::runtime run({.workers = testing::workers(), .blocking_threads = 1});
  run.run([&] {
    resolver r({.servers = {silent.at()}, .hosts = "/nonexistent", .timeout = 60s});
    weir::with_scope([&](weir::scope& s) {
      for (int n = 0; n < 50; ++n) s.spawn("asker", [&, n] { r.resolve("a" + std::to_string(n) + ".test"); });
      testing::eventually([&] { return r.stats().questions == 50; });
      for (int i = 0; i < 100; ++i) CHECK(weir::net::stat("/").kind == weir::net::file_kind::directory);
      CHECK(r.stats().known == 0);
      s.cancel();
    });
  });
}

TEST_CASE("a look at the configuration is one turn in the pool's line, for as long as the caller has") {
  fake_server server([](const dns_question& q) { return dns_answer(q, 0, q.v6 ? "fd00::1" : "10.0.0.1"); });
  weir::runtime run({.workers = testing::workers(), .blocking_threads = 1});
  run.run([&] {
    resolver r(patient(server.at()));
    std::atomic<bool> found{false};
    weir::with_scope([&](weir::scope& s) {
      held_thread before;
      testing::eventually([&] { return run.blocking_stats().busy == 1; });
      CHECK(error_of([&] { r.resolve("a.test", 0, 5ms); }) == "resolve a.test: the deadline came first");
      s.spawn("asker", [&] { found = r.resolve("a.test").size() == 2; });
      testing::eventually([&] { return run.blocking_stats().queued == 1; });
      held_thread behind;
      testing::eventually([&] { return run.blocking_stats().queued == 2; });
      before.release();
      testing::eventually([&] { return found.load(); });
    });
  });
}

TEST_CASE("a pool without a free thread does not keep back what is known, and the network is asked as before") {
  const folder here;
  const std::string hosts = here.file("hosts", "10.9.9.9 box.test\n");
  fake_server server([](const dns_question& q) { return dns_answer(q, 0, q.v6 ? "fd00::1" : "10.0.0.1"); });
  weir::runtime run({.workers = testing::workers(), .blocking_threads = 1});
  run.run([&] {
    resolver_options options = patient(server.at());
    options.hosts = hosts;
    resolver r(options);
    CHECK(r.resolve("known.test").size() == 2);
    {
      const held_thread only;
      testing::eventually([&] { return run.blocking_stats().busy == 1; });
      weir::this_actor::sleep(1s);  // now the files are to be looked at again
      CHECK(texts(r.resolve("box.test", 0, 10s)) == strings{"10.9.9.9:0"});
      CHECK(r.resolve("localhost", 0, 10s).size() == 2);
      CHECK(r.resolve("known.test", 0, 10s).size() == 2);
      CHECK(r.resolve("new.test").size() == 2);
      weir::this_actor::sleep(1s);
      CHECK(r.resolve("known.test", 0, -1s).size() == 2);
      weir::with_scope([&](weir::scope& several) {
        for (int i = 0; i < 10; ++i) several.spawn("asker", [&] { EXPECT(r.resolve("box.test", 0, 10s).size() == 1); });
      });
      CHECK(run.blocking_stats().queued == 0);
      here.file("hosts", "10.9.9.10 box.test\n");
    }
    testing::eventually([&] { return texts(r.resolve("box.test")) == strings{"10.9.9.10:0"}; });
  });
  testing::check_expectations();
}

TEST_CASE("a look-up while the caller unwinds is an error of the network's") {
  in_actor([] {
    resolver r({.hosts = "/nonexistent"});
    std::string text;
    struct asks_at_end {
      resolver& by;
      std::string& text;
      ~asks_at_end() {
        try {
          by.resolve("a.test");
        } catch (const std::exception& e) {
          text = e.what();
        }
      }
    };
    weir::with_scope([&](weir::scope& s) {
      s.spawn("unwinds", [&] {
        const asks_at_end guard{r, text};
        s.cancel();
        weir::this_actor::sleep(1h);
      });
    });
    CHECK(text == "resolve a.test: operation canceled (ECANCELED)");
  });
}

TEST_CASE("nobody at the name server's address is told at once") {
  const address dead = *address::ip("127.0.0.1", testing::deserted_datagram_port());
  in_actor([&] {
    resolver r({.servers = {dead}, .hosts = "/nonexistent", .timeout = 60s, .tries = 1});
    CHECK(error_of([&] { r.resolve("a.test"); }) == "resolve a.test: no name server can be reached");
  });
}

TEST_CASE("the second name server is asked if the first is silent or dead") {
  fake_server silent([](const dns_question&) { return std::nullopt; });
  fake_server speaks([](const dns_question& q) { return dns_answer(q, 0, q.v6 ? "fd00::1" : "10.0.0.1"); });
  in_actor([&] {
    // Its answers may be late for the first rounds; each waits twice as long.
    resolver r({.servers = {silent.at(), speaks.at()},
                .hosts = "/nonexistent",
                .timeout = 100ms,
                .tries = 10,
                .other_family = 100s});
    CHECK(r.resolve("a.test").size() == 2);
  });
}

TEST_CASE("a family that never comes does not hold up the other one for long, nor is that answer kept") {
  fake_server half(
      [](const dns_question& q) { return q.v6 ? std::optional<std::string>() : dns_answer(q, 0, "10.0.0.1"); });
  in_actor([&] {
    resolver r({.servers = {half.at()}, .hosts = "/nonexistent", .timeout = 60s, .other_family = 20ms});
    CHECK(texts(r.resolve("a.test")) == strings{"10.0.0.1:0"});
    CHECK(r.stats().names == 0);
  });
}

TEST_CASE("servers that refuse or fail or talk nonsense: an error that says so, within the time given") {
  std::atomic<int> way{0};
  fake_server bad([&](const dns_question& q) -> std::optional<std::string> {
    switch (way) {
      case 0:
        return dns_answer(q, 5);
      case 1:
        return dns_answer(q, 2);
      case 2:
        return std::string("nonsense");
      case 3:
        return q.raw.substr(0, 12) + std::string(500, '\xff');
      default: {
        std::string other = dns_answer(q, 0, q.v6 ? "fd00::1" : "10.0.0.1");
        other[0] = static_cast<char>(other[0] + 1);  // another question's number
        return other;
      }
    }
  });
  in_actor([&] {
    resolver r(asking(bad.at())), waits(patient(bad.at()));
    CHECK(error_of([&] { waits.resolve("a.test"); }) == "resolve a.test: the name server refuses");
    way = 1;
    CHECK(error_of([&] { waits.resolve("a.test"); }) == "resolve a.test: the name server failed");
    CHECK(waits.stats().names == 0);
    for (way = 2; way < 5; ++way) {
      const std::string text = error_of([&] { r.resolve("a.test"); });
      INFO(text);
      CHECK((text == "resolve a.test: no name server answers" || text == "resolve a.test: the name server failed"));
    }
    CHECK(r.stats().names == 0);
  });
}

TEST_CASE("many who ask for one name ask one question, and the end of the one who asks is nobody else's") {
  std::atomic<bool> speak{false};
  fake_server server([&](const dns_question& q) -> std::optional<std::string> {
    while (!speak) std::this_thread::yield();
    return dns_answer(q, 0, q.v6 ? "fd00::1" : "10.0.0.1");
  });
  in_actor([&] {
    resolver r(patient(server.at()));
    weir::with_scope([&](weir::scope& s) {
      std::atomic<int> found{0}, late{0};
      s.spawn("impatient", [&] {
        do {  // again, if its time was over before it had asked
          try {
            r.resolve("a.test", 0, 50ms);
            EXPECT(false);
          } catch (const weir::net::error&) {
          }
        } while (r.stats().questions == 0);
        ++late;
      });
      testing::eventually([&] { return r.stats().questions == 1; });
      for (int i = 0; i < 100; ++i)
        s.spawn("asker", [&] {
          if (r.resolve("a.test").size() == 2) ++found;
        });
      testing::eventually([&] { return late == 1; });
      speak = true;
      testing::eventually([&] { return found == 100; });
      CHECK(r.stats().questions == 2);
    });
  });
}

TEST_CASE("a cancel ends a question, and no descriptor or memory is left") {
  fake_server silent([](const dns_question&) { return std::nullopt; });
  in_actor([&] {
    resolver r({.servers = {silent.at()}, .hosts = "/nonexistent", .timeout = 60s});
    while (r.stats().questions == 0) CHECK_THROWS_AS(r.resolve("warm.test", 0, 1ms), weir::net::error);
    const std::size_t before = testing::open_descriptors();
    std::size_t memory = 0;
    const int rounds = testing::rounds(100);
    for (int i = 0; i < rounds; ++i) {
      if (i == rounds / 4) memory = testing::occupied();
      weir::with_scope([&](weir::scope& s) {
        for (int n = 0; n < 4; ++n)
          s.spawn("asker", [&, n] { r.resolve(n < 2 ? "same.test" : "other" + std::to_string(n) + ".test"); });
        testing::eventually([&] { return r.stats().questions >= static_cast<unsigned>(i) * 3 + 4; });
        s.cancel();
      });
    }
    CHECK(testing::open_descriptors() == before);
    if (!testing::sanitized) CHECK(testing::occupied() < memory + (1 << 20));
  });
}

TEST_CASE("resolve() itself works in an actor and on a plain thread") {
  CHECK(weir::net::resolve("localhost", 80).size() >= 1);
  CHECK(texts(weir::net::resolve("127.0.0.1", 80)) == strings{"127.0.0.1:80"});
  in_actor([] { CHECK(weir::net::resolve("localhost", 80).front().is_loopback()); });
}
