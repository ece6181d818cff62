// What happens when the kernel has nothing left to wait with: no epoll set, no room in one, no descriptor.
#include <sys/resource.h>
#include <sys/syscall.h>

#include <string>
#include <vector>

#include "tests/child.h"
#include "tests/net/raw_socket.h"
#include "tests/net/tcp_pair.h"
#include "tests/refused_syscall.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/net/datagram.h"
#include "weir/net/error.h"
#include "weir/net/files/watch.h"
#include "weir/net/on_accept.h"
#include "weir/net/on_stream.h"
#include "weir/net/pipe.h"
#include "weir/net/tcp.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::tcp_connect;
using net::tcp_listener;
using net::tcp_stream;
using testing::in_actor;
using testing::raw_socket;

namespace {

// What net::error says; anything else comes out.
template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const net::error& e) {
    return e.what();
  }
  return "none";
}

// Every kind of wait, on the calling thread, where the kernel refuses the first wait for a descriptor. `what`: how.
void check_waits(const std::string& what) {
  const tcp_listener listener("127.0.0.1:0"), other("127.0.0.1:0");
  CHECK(listener.accept(3ms).status() == recv_status::timeout);
  CHECK(listener.statistics().starved > 0);
  const auto before = other.statistics().starved;
  // Again, if its time was over before it tried to accept.
  do CHECK(select(net::on_accept(other, [](recv_result<tcp_stream>) { return 1; }), after(3ms, [] { return 2; })) == 2);
  while (other.statistics().starved == before);

  CHECK(error_of([&] { tcp_connect(listener.at()); }) == "connect " + listener.name() + ": " + what);
  // One address after the other is tried.
  CHECK(error_of([&] {
          tcp_connect(std::vector{listener.at(), other.at()});
        }) == "connect " + listener.name() + ": " + what);
  CHECK(other.accept(100s));

  const tcp_listener third("127.0.0.1:0");
  const raw_socket peer = raw_socket::connected(third.port());
  const auto accepted = third.accept(100s);  // the tries go on
  REQUIRE(accepted);
  const tcp_stream& server = *accepted;
  char part[10];
  for (int i = 0; i < 2; ++i)
    CHECK(error_of([&] { (void)server.read_some(part, 100s); }) == "read " + server.name() + ": " + what);
  CHECK(error_of([&] { select(net::on_readable(server, [] {}), after(100s, [] {})); }) ==
        "read " + server.name() + ": " + what);
  peer.send_all("goes on");
  testing::wait_until([&] { return peer.arrived(); });
  CHECK(server.read_some(part, 100s).bytes == 7);

  const net::udp_socket datagrams("127.0.0.1:0");
  CHECK(error_of([&] { (void)datagrams.recv(part, 100s); }) == "recv " + datagrams.name() + ": " + what);
  const auto [reader, writer] = net::make_pipe();
  CHECK(error_of([&, &reader = reader] { (void)reader.read_some(part, 100s); }) ==
        "read " + reader.name() + ": " + what);
  net::watcher changes("/proc");  // where nothing changes
  CHECK_THAT(error_of([&] { changes.next(100s); }), Catch::StartsWith("watch ") && Catch::EndsWith(what));
}

}  // namespace

TEST_CASE("child: no epoll set", "[.child]") {
  REQUIRE(testing::refuse_syscall(SYS_epoll_create1, EMFILE));
  check_waits("too many open files (EMFILE)");
}

TEST_CASE("child: no room in the epoll set", "[.child]") {
  const tcp_listener first("127.0.0.1:0");
  REQUIRE(first.accept(1ms).status() == recv_status::timeout);  // the set is there
  REQUIRE(testing::refuse_syscall(SYS_epoll_ctl, ENOSPC));
  check_waits("no space left on device (ENOSPC)");
}

TEST_CASE("what the kernel has no means to wait for is an error of net that names it, and accept tries on") {
  for (const char* child : {"child: no epoll set", "child: no room in the epoll set"}) {
    const auto end = testing::run_child(child);
    INFO(end.output);
    CHECK(end.exit_status == 0);
  }
}

#if !defined(WEIR_ASAN)  // its checks need a pipe to look at a vptr, and here there is none
TEST_CASE("an accept without descriptors does not take a cancelled scope's close for an end") {
  in_actor(
      [] {
        const tcp_listener listener("127.0.0.1:0");
        rlimit old{};
        REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
        rlimit few = old;
        few.rlim_cur = 3;
        REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
        bool ended = false;
        with_scope([&](scope& s) {
          s.spawn("acceptor", [&] {
            for ([[maybe_unused]] auto& conn : listener) EXPECT(false);
            ended = true;
          });
          testing::eventually([&] { return listener.statistics().starved > 0; });
          // On the only worker: the close is first with the acceptor, and the scope is cancelled when that runs.
          listener.close();
          s.cancel();
        });
        REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
        CHECK_FALSE(ended);
      },
      1);
}
#endif
