// Peers that take nothing, and peers that send without end: neither keeps the others back.
#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "tests/net/socket/sockets.h"
#include "tests/testing.h"
#include "weir/net/socket/push_pull.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::message;
using net::pull_socket;
using net::push_socket;
using testing::eventually;
using testing::fresh_endpoints;
using testing::in_actor;
using testing::long_enough;
using testing::number_of;
using testing::numbered;
using testing::patient;

TEST_CASE("work moves away from a PULL that does not read: what it has no room for goes to the other one") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      const int count = 500;
      pull_socket idle(patient({.receive_high_water = 1})), busy(patient({.receive_high_water = 1}));
      push_socket out(patient({.connect = {idle.bind(at), busy.bind(testing::fresh_ipc())}, .send_high_water = 1}));
      CHECK(out.wait_peers(2));
      std::vector<int> came;
      with_scope([&](scope& s) {
        s.spawn("busy", [&] {
          for (const message& m : busy) came.push_back(number_of(m));
        });
        const std::string padding(100'000, 'x');
        for (int i = 0; i < count; ++i)
          REQUIRE(out.send(message::of(padding, std::to_string(i)), long_enough) == send_status::ok);
        eventually([&] { return out.peers()[1].unsent == 0; });
        eventually([&] { return busy.statistics().received == out.peers()[1].sent; });
        busy.close();
      });
      const net::peer_statistics stuck = out.peers()[0];
      const std::size_t with_idle = static_cast<std::size_t>(stuck.sent) + stuck.unsent;
      CHECK(came.size() + with_idle == count);
      if (at.starts_with("inproc"))
        CHECK(with_idle == 3);  // one is unread, one waits to be so, and one is in the queue
      else
        CHECK(with_idle < 150);  // and the kernel keeps some
      // Nothing is lost or doubled, and each has its own in order.
      CHECK(std::is_sorted(came.begin(), came.end()));
      for (std::size_t i = 0; i < with_idle; ++i) came.push_back(number_of(*idle.recv()));
      CHECK(std::set<int>(came.begin(), came.end()).size() == count);
    });
  }
}

TEST_CASE("one that floods starves nobody: of a hundred peers each is heard within a hundred messages") {
  in_actor([] {
    const auto trickles = static_cast<std::size_t>(std::min(testing::rounds(99), 99));
    pull_socket in(patient({.receive_high_water = 100}));
    const std::string at = in.bind(testing::fresh_ipc());
    push_socket flooder(patient({.connect = at}));
    std::vector<push_socket> others;
    for (std::size_t i = 0; i < trickles; ++i) others.emplace_back(patient({.connect = at}));
    CHECK(in.wait_peers(trickles + 1));
    with_scope([&](scope& s) {
      s.spawn("flooder", [&] {
        while (flooder.send(message("flood"))) {
        }
      });
      for (int round = 0; round < testing::rounds(10); ++round) {
        for (std::size_t i = 0; i < trickles; ++i) CHECK(others[i].send(numbered(static_cast<int>(i))));
        // Each has something here; and the flooder goes on.
        eventually([&] {
          const auto peers = in.peers();
          return std::all_of(peers.begin(), peers.end(), [](const auto& p) { return p.unread > 0; });
        });
        std::set<int> heard;
        for (std::size_t i = 0; i <= trickles; ++i) {
          const message m = *in.recv();
          if (m.text() != "flood") heard.insert(number_of(m));
        }
        CHECK(heard.size() == trickles);
      }
      flooder.close(0ns);
    });
  });
}
