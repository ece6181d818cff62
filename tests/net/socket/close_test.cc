// The ends of message sockets: close() and destructors.
#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/net/socket/raw_peer.h"
#include "tests/net/socket/sockets.h"
#include "tests/net/zmtp/wire.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/socket/dealer_router.h"
#include "weir/net/socket/push_pull.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::dealer_socket;
using net::message;
using net::peer_event;
using net::peer_event_kind;
using net::pull_socket;
using net::push_socket;
using testing::await;
using testing::eventually;
using testing::fresh_endpoints;
using testing::in_actor;
using testing::long_enough;
using testing::number_of;
using testing::numbered;
using testing::patient;
using testing::port_of;
using testing::shaken;

TEST_CASE("close gives what is unsent its time, and says what is left") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      pull_socket in(patient({.receive_high_water = 0}));
      {
        push_socket out(patient({.connect = in.bind(at), .send_high_water = 0}));
        for (int i = 0; i < 5000; ++i) CHECK(out.send(numbered(i)));
        if (at[0] == 't') CHECK(out.close(long_enough).unsent == 0);  // else its destructor does
      }
      int wrong = 0;
      for (int i = 0; i < 5000; ++i) wrong += number_of(*in.recv()) != i;
      CHECK(wrong == 0);
    });
  }
  in_actor([] {
    push_socket out({.connect = "ipc://@nobody_is_here"});
    for (int i = 0; i < 3; ++i) CHECK(out.send(message("x")));
    const net::close_result left = out.close(1ms);
    CHECK(!left);
    CHECK(left.unsent == 3);
    CHECK(!out.send(message("y")));
    CHECK(out.close().unsent == 3);
    CHECK_THROWS_AS(out.bind("tcp://127.0.0.1:*"), net::error);
  });
}

TEST_CASE("close ends all calls that wait, and what had come before is read first") {
  in_actor([] {
    pull_socket in(patient());
    push_socket out(patient({.connect = in.bind("tcp://127.0.0.1:*")}));
    push_socket nobody;
    CHECK(out.send(message("last")));
    testing::eventually([&] { return in.statistics().unread == 1; });
    with_scope([&](scope& s) {
      s.spawn([&] { EXPECT(!nobody.send(message("x"))); });
      s.spawn([&] { EXPECT(!nobody.wait_peers(1)); });
      testing::eventually([&] { return in.statistics().unread == 1; });
      nobody.close();
      in.close();
    });
    CHECK(in.recv()->front().text() == "last");
    CHECK(!in.recv());
    CHECK(in.try_recv().status() == recv_status::closed);
    CHECK(in.recv(1ms).status() == recv_status::closed);
  });
}

TEST_CASE("close loses nothing of what was sent though there is something unread") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      const int count = testing::rounds(3000);
      net::dealer_socket there(patient({.receive_high_water = 10}));
      net::dealer_socket here(patient({.connect = there.bind(at), .receive_high_water = 1}));
      for (int i = 0; i < 500; ++i) CHECK(there.send(message(std::string(1000, 'x'))));
      testing::eventually([&] { return here.statistics().unread == 1; });
      with_scope([&](scope& s) {
        s.spawn("reader", [&there, count] {
          for (int i = 0; i < count; ++i) {
            const auto m = there.recv(long_enough);
            EXPECT(m && number_of(*m) == i);
          }
        });
        const std::string padding(1000, 'x');
        for (int i = 0; i < count; ++i) CHECK(here.send(message::of(padding, std::to_string(i))));
        CHECK(here.close(long_enough).unsent == 0);
      });
      CHECK(here.statistics().peers == 0);
    });
  }
}

TEST_CASE("close does not wait for a peer that is known to be gone, though what it sent is unread") {
  in_actor([] {
    dealer_socket dealer(patient({.receive_high_water = 1}));
    {
      dealer_socket peer(patient({.connect = dealer.bind(testing::fresh_ipc())}));
      for (int i = 0; i < 600; ++i) CHECK(peer.send(message("x")));  // more than is taken in at once
      // One is read, and one more has been sent: so the dealer's reader has something to deliver before it sees the
      // end.
      eventually([&] { return peer.statistics().sent > 1 && dealer.statistics().unread == 1; });
      peer.close(0ms);
    }
    CHECK(dealer.send(message("lost")));
    CHECK(dealer.close(1h).unsent == 0);
    CHECK(dealer.statistics().lost == 1);
  });
}

TEST_CASE("what inproc found no room for waits for the next one who binds the name") {
  in_actor([] {
    const std::string at = testing::fresh_inproc();
    push_socket push(patient({.connect = at}));
    for (int i = 0; i < 50; ++i) CHECK(push.send(message(std::to_string(i))));
    int next = 0;
    for (int round = 0; round < 5; ++round) {
      pull_socket pull(patient({.bind = at, .receive_high_water = 10}));
      eventually([&] { return pull.statistics().unread == 10; });
      eventually([&] { return push.statistics().sent == 10 * static_cast<std::uint64_t>(round + 1); });
      CHECK(push.statistics().unsent == 40 - 10 * static_cast<std::size_t>(round));
      pull.close(0ms);
      while (const auto m = pull.try_recv()) CHECK(m->front() == std::to_string(next++));
    }
    CHECK(next == 50);
    CHECK(push.statistics().lost == 0);
  });
}

TEST_CASE(
    "who is cut off in the middle of a stream has whole messages up to there, and nothing of another one inside") {
  const auto body = [](int i, std::size_t size) { return std::string(size, static_cast<char>('a' + i % 26)); };
  for (const char* const kind : {"tcp", "ipc"})
    for (const std::size_t size : {std::size_t{1000}, std::size_t{300'000}})
      for (const bool unbinds : {true, false}) {
        INFO(kind << ", " << size << (unbinds ? ", unbind" : ", close"));
        in_actor([&] {
          const bool tcp = kind[0] == 't';
          push_socket out(patient({.send_high_water = 10}));
          const std::string at = out.bind(tcp ? "tcp://127.0.0.1:*" : testing::fresh_ipc());
          const auto peer = blocking([&] {
            return shaken(tcp ? testing::raw_socket::connected(port_of(at)) : testing::connected_to(at),
                          net::zmtp::socket_type::pull);
          });
          std::string got;
          std::atomic<std::size_t> octets{0};
          std::atomic<bool> over{false};
          with_scope([&](scope& s) {
            s.spawn("sender", [&] {
              for (int i = 0; !over;)
                i += out.send(message::of(std::to_string(i), body(i, size)), 1ms) == send_status::ok;
            });
            s.spawn("peer", [&] {
              blocking([&] {
                char part[64 * 1024];
                for (ssize_t n; (n = recv(peer.fd(), part, sizeof part, 0)) > 0; octets = got.size())
                  got.append(part, static_cast<std::size_t>(n));
              });
            });
            eventually([&] { return octets > 2'000'000; });
            if (unbinds) {
              CHECK(out.unbind(at));
              pull_socket next(patient({.connect = out.bind(testing::fresh_ipc())}));
              const auto m = next.recv();  // the next one is, again, whole
              CHECK((m && m->size() == 2 && m->back().text() == body(std::stoi(std::string(m->front().text())), size)));
              over = true;
            } else {
              over = true;
              out.close(0ns);
            }
          });
          std::string expected;
          for (int i = 0; expected.size() < got.size(); ++i)
            expected += wire::frame(1, std::to_string(i)) + wire::frame(0, body(i, size));
          CHECK(expected.starts_with(got));
        });
      }
}

TEST_CASE("close waits for a peer that does not read as long as it is told to") {
  in_actor([] {
    pull_socket in(patient());
    const std::uint16_t port = port_of(in.bind("tcp://127.0.0.1:*"));
    const auto silent = blocking([port] { return shaken(port); });
    CHECK(in.wait_peers(1));
    CHECK(in.close(1ms));
    CHECK(silent.receive_all().size() == 0);
    CHECK(in.statistics().peers == 0);
  });
}
