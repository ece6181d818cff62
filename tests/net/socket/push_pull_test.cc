#include "weir/net/socket/push_pull.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/socket/sockets.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/channels/timer.h"
#include "weir/net/error.h"
#include "weir/net/socket/on_socket.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/runtime.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using net::message;
using net::peer_event_kind;
using net::pull_socket;
using net::push_socket;
using testing::await;
using testing::fresh_endpoints;
using testing::in_actor;
using testing::long_enough;
using testing::number_of;
using testing::numbered;
using testing::patient;

namespace {

std::string body_of(int i) {
  static const std::vector<std::size_t> sizes = {0, 1, 71, 72, 255, 256, 4095, 4096, 8192, 70'000, 1'000'000};
  std::string s(sizes[static_cast<std::size_t>(i) % sizes.size()], '\0');
  for (std::size_t at = 0; at < s.size(); ++at) s[at] = static_cast<char>(at * 31 + static_cast<std::size_t>(i));
  return s;
}

}  // namespace

TEST_CASE("what PUSH sends PULL receives, whole and in order, over every transport") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      pull_socket in(patient());
      const std::string endpoint = in.bind(at);
      CHECK(in.last_endpoint() == endpoint);
      with_scope([&](scope& s) {
        s.spawn("sender", [&endpoint] {
          push_socket out(patient({.connect = endpoint}));
          for (int i = 0; i < 33; ++i) {
            EXPECT(out.send(message(body_of(i))));
            EXPECT(out.send(message::of("", body_of(i), "end")));
          }
          for (int i = 0; i < 3000; ++i) EXPECT(out.send(numbered(i)));
        });
        for (int i = 0; i < 33; ++i) {
          const auto one = in.recv(), three = in.recv();
          const bool same = one && three && one->size() == 1 && three->size() == 3 &&
                            one->front().text() == body_of(i) && (*three)[1].text() == body_of(i) &&
                            (*three)[2].text() == "end";
          CHECK(same);
        }
        int next = 0, wrong = 0;
        for (message& m : in) {
          wrong += number_of(m) != next;
          if (++next == 3000) break;
        }
        CHECK(wrong == 0);
      });
      CHECK(in.statistics().received == 3066);
    });
  }
}

TEST_CASE("PUSH deals its messages to its peers in turn, and PULL takes from its peers in turn") {
  in_actor([] {
    std::vector<pull_socket> sinks;
    push_socket out(patient());
    for (int i = 0; i < 3; ++i) {
      sinks.emplace_back(patient());
      out.connect(sinks.back().bind(fresh_endpoints()[static_cast<std::size_t>(i)]));
    }
    for (int i = 0; i < 300; ++i) CHECK(out.send(numbered(i)));
    for (int i = 0; i < 3; ++i) {
      int wrong = 0;
      for (int k = 0; k < 100; ++k) wrong += number_of(*sinks[static_cast<std::size_t>(i)].recv()) != i + 3 * k;
      CHECK(wrong == 0);
    }

    // One that floods keeps nobody back: of two with 100 messages each here, none is served twice in a row.
    pull_socket in(patient({.receive_high_water = 100}));
    const std::string at = in.bind("tcp://127.0.0.1:*");
    push_socket a(patient({.connect = at})), b(patient({.connect = at}));
    for (int i = 0; i < 100; ++i) CHECK(a.send(message("a")));
    for (int i = 0; i < 100; ++i) CHECK(b.send(message("b")));
    testing::eventually([&] { return in.statistics().unread == 200; });
    std::string order;
    for (int i = 0; i < 200; ++i) order += in.recv()->front().text();
    CHECK(order.find("aa") == order.npos);
    CHECK(order.find("bb") == order.npos);
  });
}

TEST_CASE("with the smallest queues PUSH waits for room, and nothing is lost, doubled or out of order") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      pull_socket in(patient({.receive_high_water = 1}));
      push_socket out(patient({.connect = in.bind(at), .send_high_water = 1}));
      with_scope([&](scope& s) {
        s.spawn("sender", [&] {
          for (int i = 0; i < 500; ++i) EXPECT(out.send(numbered(i)));
        });
        int wrong = 0;
        for (int i = 0; i < 500; ++i) wrong += number_of(*in.recv()) != i;
        CHECK(wrong == 0);
      });
    });
  }
}

TEST_CASE("a queue is bounded in messages, or in octets") {
  in_actor([] {
    push_socket few({.connect = "ipc://@nobody_is_here", .send_high_water = 3, .linger = 0s});
    int taken = 0;
    while (few.try_send(message("x")) == send_status::ok) ++taken;
    CHECK(taken == 3);
    message kept("kept");
    CHECK(few.try_send(std::move(kept)) == send_status::full);
    CHECK(few.send(std::move(kept), 1ms) == send_status::timeout);
    CHECK(kept.front().text() == "kept");

    push_socket light({.connect = "ipc://@nobody_is_here", .send_high_water_bytes = 100'000, .linger = 0s});
    taken = 0;
    while (light.try_send(message(std::string(10'000, 'x'))) == send_status::ok) ++taken;
    CHECK(taken == 10);

    push_socket last({.connect = "ipc://@nobody_is_here", .conflate = true, .linger = 0s});
    for (int i = 0; i < 2000; ++i) CHECK(last.try_send(message("x")) == send_status::ok);
    CHECK(last.statistics().unsent == 1);

    push_socket nobody;
    CHECK(nobody.try_send(std::move(kept)) == send_status::full);
    push_socket now({.connect = "ipc://@nobody_is_here", .immediate = true});
    CHECK(now.try_send(std::move(kept)) == send_status::full);
    CHECK(kept.front().text() == "kept");
  });
}

TEST_CASE("what was received and not read is bounded in octets, and with conflate it is the last message") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      const int count = 100;
      pull_socket light(patient({.receive_high_water = 0, .receive_high_water_bytes = 100'000}));
      push_socket out(patient({.connect = light.bind(at)}));
      const std::string padding(10'000, 'x');
      for (int i = 0; i < count; ++i) CHECK(out.send(message::of(padding, std::to_string(i))));
      std::size_t most = 0;
      for (int i = 0; i < count; ++i) {
        if (i == 0) testing::eventually([&] { return light.statistics().unread == 10; });
        most = std::max(most, light.statistics().unread);
        CHECK(number_of(*light.recv()) == i);
      }
      CHECK(most == 10);
    });
    in_actor([&] {
      const int count = 2000;
      pull_socket in(patient({.conflate = true}));
      push_socket out(patient({.connect = in.bind(at)}));
      for (int i = 0; i < count; ++i) CHECK(out.send(numbered(i)));
      testing::eventually([&] { return out.statistics().sent == count && in.statistics().unread == 1; });
      int last = -1, received = 0;
      for (; last < count - 1; ++received) {
        CHECK(in.statistics().unread <= 1);
        const int n = number_of(*in.recv());
        CHECK(n > last);
        last = n;
      }
      CHECK(received < count);
      CHECK(in.try_recv().status() == recv_status::empty);
    });
  }
}

TEST_CASE("a sender of long messages gives way to others before it has sent many") {
  int turns = 0;
  weir::run({.workers = 1}, [&] {
    push_socket out({.connect = testing::fresh_inproc(), .linger = 0s});  // nobody is there: the queue takes them
    bool over = false;
    weir::with_scope([&](weir::scope& s) {
      s.spawn("other", [&] {
        while (!over) {
          ++turns;
          this_actor::yield();
        }
      });
      const std::string text(300'000, 'x');
      for (int i = 0; i < 20; ++i) EXPECT(out.send(message(text)));
      over = true;
    });
  });
  testing::check_expectations();
  CHECK(turns >= 8);  // every second one is more than the octets of a turn
}

TEST_CASE("connect may come before bind, and messages wait") {
  for (const std::string& at : {testing::fresh_ipc(), testing::fresh_inproc()}) {
    INFO(at);
    in_actor([&] {
      push_socket out(patient({.connect = at}));
      for (int i = 0; i < 10; ++i) CHECK(out.send(numbered(i)));
      CHECK(out.statistics().unsent == 10);
      pull_socket in(patient({.bind = at}));
      for (int i = 0; i < 10; ++i) CHECK(number_of(*in.recv()) == i);
    });
  }
}

TEST_CASE("a peer that comes back gets what was sent while it was gone") {
  for (const std::string& at : {testing::fresh_ipc(), testing::fresh_inproc()}) {
    INFO(at);
    in_actor([&] {
      push_socket out(patient({.connect = at}));
      const auto events = out.events();
      {
        pull_socket in(patient({.bind = at}));
        CHECK(out.send(message("first")));
        CHECK(in.recv()->front().text() == "first");
      }
      CHECK(await(events, peer_event_kind::down).address == at);
      for (int i = 0; i < 10; ++i) CHECK(out.send(numbered(i)));
      pull_socket in(patient({.bind = at}));
      for (int i = 0; i < 10; ++i) CHECK(number_of(*in.recv()) == i);
    });
  }
}

TEST_CASE("deadlines and cancels end waits, and lose nothing") {
  in_actor([] {
    pull_socket in(patient());
    push_socket out(patient());
    CHECK(in.try_recv().status() == recv_status::empty);
    CHECK(in.recv(1ms).status() == recv_status::timeout);
    with_scope([&](scope& s) {
      s.spawn([&] { static_cast<void>(in.recv()); });
      s.spawn([&] { static_cast<void>(out.send(message("x"))); });
      s.spawn([&] { static_cast<void>(in.wait_peers(1)); });
      s.cancel();
    });
    out.connect(in.bind(testing::fresh_ipc()));
    CHECK(out.send(message("y")));
    CHECK(in.recv()->front().text() == "y");
  });
}

TEST_CASE("a recv that its deadline or a cancel ends takes no message along") {
  in_actor([] {
    const int count = testing::rounds(300);
    pull_socket in(patient());
    push_socket out(patient({.connect = in.bind(testing::fresh_inproc())}));
    int next = 0, wrong = 0;
    with_scope([&](scope& s) {
      s.spawn("sender", [&] {
        for (int i = 0; i < count; ++i) EXPECT(out.send(numbered(i)));
      });
      while (next < count) {
        if (auto m = in.recv(std::chrono::microseconds(next % 7))) wrong += number_of(*m) != next++;
        std::optional<message> got;
        with_scope([&](scope& inner) {
          inner.spawn([&] {
            if (next < count) got = in.recv();
          });
          inner.cancel();
        });
        if (got) wrong += number_of(*got) != next++;
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("sockets of all sides are used by many actors and plain threads at once") {
  in_actor([] {
    const int each = testing::rounds(1000);
    pull_socket in(patient());
    push_socket out(patient({.connect = in.bind("tcp://127.0.0.1:*"), .send_high_water = 10}));
    std::atomic<int> received{0};
    std::atomic<long long> sum{0};
    const auto send_all = [&] {
      for (int i = 1; i <= each; ++i) EXPECT(out.send(numbered(i)));
    };
    const auto receive_all = [&] {
      while (auto m = in.recv()) {
        sum += number_of(*m);
        if (++received == 4 * each) in.close();
      }
    };
    std::thread sender(send_all), reader(receive_all);
    with_scope([&](scope& s) {
      for (int i = 0; i < 3; ++i) s.spawn("sender", send_all);
      for (int i = 0; i < 3; ++i) s.spawn("receiver", receive_all);
    });
    testing::eventually([&] { return received == 4 * each; });
    blocking([&] {  // one of them may be in close(), which needs a worker
      sender.join();
      reader.join();
    });
    CHECK(sum == 4LL * each * (each + 1) / 2);
  });
}

TEST_CASE("select waits for sockets in both directions among other things, and loses nothing") {
  in_actor([] {
    const int count = testing::rounds(2000);
    pull_socket in(patient());
    push_socket out(patient({.connect = in.bind("tcp://127.0.0.1:*"), .send_high_water = 1}));
    auto [tx, rx] = channel<int>(1);
    with_scope([&, tx = std::move(tx)](scope& s) mutable {
      s.spawn("channel", [tx = std::move(tx), count] {
        for (int i = 0; i < count; ++i) EXPECT(tx.send(i));
      });
      s.spawn("sender", [&out, count] {
        timer never(long_enough);
        for (int i = 0; i < count;) {
          message m = numbered(i);
          const bool sent =
              select(on_send(out, std::move(m), [] { return true; }), on_timer(never, [] { return false; }));
          EXPECT(sent);
          EXPECT(m.empty());
          ++i;
        }
      });
      int messages = 0, values = 0, wrong = 0;
      timer never(long_enough);
      while (messages < count || values < count)
        select(on_recv(in, [&](std::optional<message> m) { wrong += !m || number_of(*m) != messages++; }),
               on_recv(rx, [&](std::optional<int> v) { wrong += !v || *v != values++; }).when(values < count),
               on_timer(never, [&] { wrong = 1'000'000, messages = values = count; }));
      CHECK(wrong == 0);
    });
    in.close();
    select(on_recv(in, [](std::optional<message> m) { CHECK(!m); }));
    message kept("kept");
    push_socket nobody;
    select(on_send(nobody, std::move(kept), [](bool) { FAIL("nobody is there"); }), otherwise([] {}));
    nobody.close();
    select(on_send(nobody, std::move(kept), [](bool sent) { CHECK(!sent); }));
    CHECK(kept.front().text() == "kept");
  });
}

TEST_CASE("unbind and disconnect end what they are told to, and only that") {
  in_actor([] {
    pull_socket in(patient());
    const std::string a = in.bind(testing::fresh_ipc()), b = in.bind(testing::fresh_inproc());
    CHECK_THROWS_AS(in.bind(b), net::error);
    push_socket out(patient({.connect = {a, b}}));
    CHECK(out.wait_peers(2));
    CHECK(out.disconnect(a));
    CHECK(!out.disconnect(a));
    testing::eventually([&] { return in.statistics().peers == 1; });
    CHECK(out.send(message("x")));
    CHECK(in.recv()->front().text() == "x");
    CHECK(in.unbind(a));
    CHECK(!in.unbind(a));
    CHECK(in.unbind(b));
    testing::eventually([&] { return in.statistics().peers == 0; });
    pull_socket next(patient({.bind = b}));  // the name is free again
    CHECK(out.send(message("y")));
    CHECK(next.recv()->front().text() == "y");
    CHECK_THROWS_AS(in.bind("tcp:/x"), std::invalid_argument);
    CHECK_THROWS_AS(in.connect("nowhere"), std::invalid_argument);
  });
}

TEST_CASE("each peer has counters of its own, and each counter a name, a unit and a sentence") {
  in_actor([] {
    pull_socket one(patient()), other(patient());
    const std::string to_one = one.bind("tcp://127.0.0.1:*"), to_other = other.bind(testing::fresh_inproc());
    push_socket out(patient({.connect = {to_one, to_other}}));
    for (int i = 0; i < 10; ++i) CHECK(out.send(numbered(i)));
    for (int i = 0; i < 5; ++i) {
      CHECK(one.recv());
      CHECK(other.recv());
    }
    testing::eventually([&] { return out.statistics().sent == 10; });
    const std::vector<net::peer_statistics> peers = out.peers();
    REQUIRE(peers.size() == 2);
    CHECK(peers[0].address == to_one);
    CHECK(peers[1].address == to_other);
    for (const net::peer_statistics& p : peers) {
      CHECK(p.connected);
      CHECK(p.sent == 5);
      CHECK(p.unsent == 0);
    }
    REQUIRE(one.peers().size() == 1);
    CHECK(one.peers()[0].received == 5);
    CHECK(out.disconnect(to_one));
    CHECK(out.peers().size() == 1);
    std::uint64_t sent = 0;
    std::size_t counters = 0;
    const auto each = [&](std::string_view name, std::string_view unit, std::string_view sentence, std::uint64_t n) {
      if (name == "sent") sent = n;
      counters += !unit.empty() && !sentence.empty();
    };
    for_each_counter(out.statistics(), each);
    CHECK(sent == 10);
    CHECK(counters == 13);
    for_each_counter(peers[0], each);
    CHECK(sent == 5);
    CHECK(counters == 20);
  });
}

TEST_CASE("with conflate what a later message takes the place of is dropped, and counted on its side") {
  for (const std::string& at : {testing::fresh_ipc(), testing::fresh_inproc()}) {
    INFO(at);
    in_actor([&] {
      const std::uint64_t count = 1000;
      push_socket out(patient({.connect = at, .conflate = true}));
      const auto events = out.events(100'000);
      for (int i = 0; i < 3; ++i) CHECK(out.send(numbered(i)));
      CHECK(out.statistics().dropped == 2);
      CHECK(out.peers()[0].dropped == 2);
      pull_socket in(patient({.bind = at, .conflate = true}));
      for (int i = 3; i < static_cast<int>(count); ++i) CHECK(out.send(numbered(i)));
      testing::eventually([&] { return out.statistics().unsent == 0; });
      const std::uint64_t sent = out.statistics().sent;
      CHECK(sent + out.statistics().dropped == count);
      testing::eventually([&] { return in.statistics().dropped + 1 == sent; });
      CHECK(in.peers()[0].dropped + 1 == sent);
      CHECK(number_of(*in.recv()) == static_cast<int>(count) - 1);
      out.close();
      std::uint64_t told = 0;
      while (const auto e = events.recv()) told += e->kind == peer_event_kind::dropped ? e->count : 0;
      CHECK(told == count - sent);
    });
  }
}
