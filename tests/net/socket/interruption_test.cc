// libzmq's process is stopped, or killed and started again, in the middle of many messages.
#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "tests/dump.h"
#include "tests/net/folder.h"
#include "tests/net/socket/sockets.h"
#include "tests/net/socket/zmq_peer.h"
#include "tests/testing.h"
#include "weir/net/message.h"
#include "weir/net/process/process.h"
#include "weir/net/socket/push_pull.h"

using namespace std::chrono_literals;
using namespace weir::net;
using testing::in_actor;
using testing::zmq_peer;

namespace {

// 10^6 in the nightly lane.
int count() { return testing::rounds(10'000); }

// Its number, and what makes a few hundred of them more than the kernel and the queues keep.
message big(int n) { return message::of(std::to_string(n), std::string(4000, 'x')); }
bool is_big(const std::optional<message>& m, int n) {
  return m && m->size() == 2 && m->front().text() == std::to_string(n) && m->back().size() == 4000;
}
std::string python_expects(const std::string& from, const std::string& to) {
  return "for i in range(" + from + ", " + to + "):\n  got = s.recv_multipart()\n" +
         "  assert got == [b'%d' % i, b'x' * 4000], (i, got)\n";
}
std::string python_sends(int n) {
  return "for i in range(" + std::to_string(n) + "): s.send_multipart([b'%d' % i, b'x' * 4000])\n";
}

// Parks until the process runs no more.
void stop(process& p) {
  p.kill(SIGSTOP);
  testing::eventually([&] {
    std::ifstream file("/proc/" + std::to_string(p.id()) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    return text.compare(text.rfind(')'), 3, ") T") == 0;
  });
}

const socket_options small_queues = testing::patient({.send_high_water = 10, .receive_high_water = 10});

}  // namespace

TEST_CASE("PULL that is stopped in the middle of many messages gets all of them once and in order") {
  in_actor([] {
    zmq_peer peer;
    const int n = count();
    const std::string name = testing::fresh_ipc();
    push_socket s(small_queues);
    s.connect(name);
    peer.run("s = sock(zmq.PULL, RCVHWM=10); bind(s, '" + name + "')");
    peer.start(python_expects("0", std::to_string(n)));
    bool stopped = false, was_full = false;
    for (int i = 0; i < n; ++i) {
      if (i == n / 2) stop(peer.process()), stopped = true;
      message m = big(i);
      if (stopped) {
        if (s.send(std::move(m), 20ms) == weir::send_status::ok) continue;
        peer.process().kill(SIGCONT);
        stopped = false, was_full = true;
      }
      if (!s.send(std::move(m))) FAIL("closed");
    }
    CHECK(was_full);
    peer.result();
    CHECK(s.close(60s).unsent == 0);
    CHECK(s.statistics().sent == static_cast<std::uint64_t>(n));
  });
}

TEST_CASE("PUSH that is stopped in the middle of many messages has all of them arrive once and in order") {
  in_actor([] {
    zmq_peer peer;
    const int n = count();
    pull_socket s(small_queues);
    peer.run("s = sock(zmq.PUSH, SNDHWM=10); s.connect('" + s.bind(testing::fresh_ipc()) + "')");
    peer.start(python_sends(n) + "s.close()");
    bool same = true;
    int i = 0;
    for (; i < n / 2; ++i) same = same && is_big(s.recv(), i);
    stop(peer.process());
    for (auto m = s.recv(20ms); m; m = s.recv(20ms)) same = same && is_big(std::move(*m), i++);  // was under way
    CHECK(i < n);
    peer.process().kill(SIGCONT);
    for (; i < n; ++i) same = same && is_big(s.recv(), i);
    CHECK(same);
    peer.result();
  });
}

// By libzmq's rules what was handed to a connection that dies may be lost: nothing else.
TEST_CASE("PULL that is killed and started again gets what follows once and in order: one gap and nothing is doubled") {
  in_actor([] {
    const int n = count();
    const testing::folder own;
    const std::string name = testing::fresh_ipc();
    push_socket s(small_queues);
    s.connect(name);
    std::optional<zmq_peer> peer(std::in_place);
    peer->run("s = sock(zmq.PULL); bind(s, '" + name + "')");
    // What it has got it writes down, so that it is known when it is killed.
    peer->start("log = open('" + own / "got" + "', 'wb', buffering=0)\n" + python_expects("0", "10**9") +
                "  log.write(b'%d\\n' % i)\n");
    int sent = 0;
    for (; sent < n / 2; ++sent)
      if (!s.send(big(sent))) FAIL("closed");
    // It dies when there is no room anywhere: the queue is full, and a write is in the middle of what it took.
    stop(peer->process());
    for (;;) {
      if (s.send(big(sent), 100ms) == weir::send_status::ok)
        ++sent;
      else if (s.statistics().unsent > 10 && testing::waits("zmtp writer", "write"))
        break;
    }
    peer->process().kill(SIGKILL);
    testing::eventually([&] { return s.statistics().disconnected == 1; });
    const socket_statistics at_its_death = s.statistics();
    // All that was taken, 10 at the most, is less than what is written at once: so none of it goes back to the queue.
    CHECK(at_its_death.unsent == 10);
    CHECK(at_its_death.lost >= 1);
    CHECK(at_its_death.lost <= 10);
    CHECK(at_its_death.sent + at_its_death.lost + 10 == static_cast<std::uint64_t>(sent));
    const std::string got = testing::content_of(own / "got");
    const int last = std::stoi(got.substr(got.rfind('\n', got.size() - 2) + 1));
    const int kept_from = sent - 10;

    peer.emplace();
    peer->run("s = sock(zmq.PULL); bind(s, '" + name + "')");
    peer->start("first = int(s.recv_multipart()[0])\n" + python_expects("first + 1", std::to_string(n)) + "say(first)");
    for (; sent < n; ++sent)
      if (!s.send(big(sent))) FAIL("closed");
    const int first = std::stoi(peer->result());
    CHECK(first == kept_from);
    CHECK(first > last);
    CHECK(s.close(60s).unsent == 0);
    CHECK(s.statistics().lost == at_its_death.lost);
  });
}

TEST_CASE("PUSH that is killed and started again is connected to again, and what it sends then all arrives") {
  in_actor([] {
    const std::string name = testing::fresh_ipc();
    pull_socket s(small_queues);
    s.connect(name);
    int next = 0;
    for (int life = 0; life < 3; ++life) {
      const int first = life * 1'000'000;
      zmq_peer peer;
      peer.run("s = sock(zmq.PUSH); bind(s, '" + name + "')");
      peer.start("i = " + std::to_string(first) + "\nwhile True: s.send_multipart([b'%d' % i, b'x' * 4000]); i += 1");
      // What the one before had sent when it was killed comes first, whole and in order.
      bool same = true;
      auto m = s.recv();
      for (; same && !is_big(m, first); m = s.recv()) same = is_big(m, next++);
      for (next = first + 1; same && next < first + 1000; ++next) same = is_big(s.recv(), next);
      CHECK(same);
      peer.process().kill(SIGKILL);  // in mid-stream: it would go on for ever
    }
  });
}
