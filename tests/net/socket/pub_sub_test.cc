#include "weir/net/socket/pub_sub.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/dump.h"
#include "tests/net/socket/raw_peer.h"
#include "tests/net/socket/sockets.h"
#include "tests/testing.h"
#include "weir/net/socket/dealer_router.h"
#include "weir/net/socket/internal/topic_table.h"
#include "weir/net/zmtp/command.h"
#include "weir/net/zmtp/decoder.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using namespace weir;
using net::message;
using net::peer_event_kind;
using net::pub_socket;
using net::slow_subscriber;
using net::sub_socket;
using net::xpub_socket;
using net::xsub_socket;
using testing::await;
using testing::fresh_endpoints;
using testing::in_actor;
using testing::long_enough;
using testing::number_of;
using testing::numbered;
using testing::patient;

TEST_CASE("a subscriber gets what begins with one of its topics, once, whatever the transport") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      pub_socket pub(patient());
      const std::string endpoint = pub.bind(at);
      CHECK(pub.send(message("nobody wants it")));
      sub_socket all(patient({.connect = endpoint, .subscribe = ""}));
      sub_socket some(patient({.connect = endpoint, .subscribe = {"a", "ab", "b.c"}}));
      CHECK(pub.wait_subscribers(2, "ab"));
      CHECK(pub.wait_subscribers(2, "b.c"));
      for (const char* topic : {"a", "abc", "b", "b.c", "b.cd", "c"}) CHECK(pub.send(message::of(topic, "x")));
      for (const char* topic : {"a", "abc", "b", "b.c", "b.cd", "c"}) CHECK(all.recv()->front().text() == topic);
      for (const char* topic : {"a", "abc", "b.c", "b.cd"}) CHECK(some.recv()->front().text() == topic);
      CHECK(some.try_recv().status() == recv_status::empty);

      CHECK(some.cancel("a"));
      CHECK(some.cancel("ab"));
      CHECK(!some.cancel("ab"));
      some.subscribe("done");
      CHECK(pub.wait_subscribers(2, "done"));
      for (const char* topic : {"a", "abc", "done"}) CHECK(pub.send(message(topic)));
      CHECK(some.recv()->front().text() == "done");
      CHECK(pub.statistics().dropped == 0);
    });
  }
}

TEST_CASE("subscriptions are counted, and sent again to a publisher that comes back") {
  const std::string at = testing::fresh_ipc();
  in_actor([&] {
    sub_socket sub(patient({.connect = at}));
    sub.subscribe("x");
    sub.subscribe("x");
    for (int i = 0; i < 2; ++i) {
      pub_socket pub(patient({.bind = at}));
      CHECK(pub.wait_subscribers(1, "x"));
      CHECK_FALSE(pub.wait_subscribers(1, {}, 0ns));  // nobody wants everything
      CHECK(pub.send(message("x1")));
      CHECK(sub.recv()->front().text() == "x1");
      sub.subscribe("y");
      CHECK(pub.wait_subscribers(1, "y"));
      CHECK(pub.peers()[0].subscriptions == 2);
      CHECK(sub.cancel("y"));
      testing::eventually([&] { return pub.peers()[0].subscriptions == 1; });
    }
    CHECK(sub.cancel("x"));
    pub_socket pub(patient({.bind = at}));
    CHECK(pub.wait_subscribers(1, "x"));
    CHECK_THROWS_AS(sub.subscribe(std::string(100'000, 'x')), misuse);
  });
}

TEST_CASE("subscribing and cancelling while the publisher does not read keeps no more than it has to be told") {
  in_actor([] {
    const int count = 10'000;
    const std::string at = testing::fresh_ipc(), tail(1000, 'x');
    xsub_socket xsub(patient({.bind = at}));
    const auto pub = blocking([at] { return testing::shaken(testing::connected_to(at), net::zmtp::socket_type::pub); });
    CHECK(xsub.wait_peers(1));
    const auto say = [&xsub](char what, const std::string& topic) {
      EXPECT(xsub.send(message(std::string(1, what).append(topic))));
    };
    std::set<std::string> wanted{"stays", "last"};
    say('\1', "stays");
    say('\1', "goes");
    for (int i = 0; i < count; ++i) {
      const std::string topic = std::to_string(i) + tail;
      for (int times = 0; times < 2; ++times) say('\1', topic);
      if (i % (count / 5) == 0)
        wanted.insert(topic);
      else
        for (int times = 0; times < 2; ++times) say('\0', topic);
    }
    say('\0', "goes");
    say('\1', "last");

    std::set<std::string> told;
    int commands = 0;
    blocking([&] {
      net::zmtp::decoder in({}, true);
      char part[4096];
      for (message m; !told.contains("last");) {
        const net::zmtp::input kind = in.next(m);
        if (kind == net::zmtp::input::more) {
          const ssize_t n = recv(pub.fd(), part, sizeof part, 0);
          EXPECT(n > 0);
          if (n <= 0) return;
          std::string_view rest(part, static_cast<std::size_t>(n));
          rest.remove_prefix(in.feed(rest));
          EXPECT(rest.empty());
          continue;
        }
        ++commands;
        if (kind == net::zmtp::input::subscribe)
          told.emplace(m.front().text());
        else
          told.erase(std::string(m.front().text()));
      }
    });
    CHECK((told == wanted));
    CHECK(commands < count);
  });
}

TEST_CASE("a peer's subscriptions are bounded in number and in octets, or its connection ends") {
  in_actor([] {
    pub_socket few(patient({.subscriptions = 2})), little(patient({.subscription_octets = 200'000}));
    const auto of_few = few.events(), of_little = little.events();
    sub_socket many(patient({.connect = few.bind(testing::fresh_ipc())}));
    sub_socket much(patient({.connect = little.bind(testing::fresh_ipc())}));
    const auto long_topic = [](char first) { return std::string(65'536, first); };
    for (const char* topic : {"a", "b"}) many.subscribe(topic);
    for (const char first : {'a', 'b', 'c'}) much.subscribe(long_topic(first));
    CHECK(few.wait_subscribers(1, "b"));
    CHECK(little.wait_subscribers(1, long_topic('c')));
    // What is given up makes room, and what is said twice takes none.
    CHECK(much.cancel(long_topic('a')));
    much.subscribe(long_topic('d'));
    CHECK(little.wait_subscribers(1, long_topic('d')));
    CHECK(little.statistics().disconnected == 0);
    many.subscribe("c");
    much.subscribe(long_topic('e'));
    CHECK(await(of_few, peer_event_kind::down).reason == "the peer has too many subscriptions");
    CHECK(await(of_little, peer_event_kind::down).reason ==
          "the topics of the peer's subscriptions have too many octets");
  });
}

TEST_CASE("a peer's subscriptions are a set to its publisher: libzmq's SUB says each subscribe and one cancel") {
  in_actor([] {
    xpub_socket xpub(patient());
    xsub_socket xsub(patient({.connect = xpub.bind(testing::fresh_ipc())}));
    for (int i = 0; i < 3; ++i) CHECK(xsub.send(message(std::string("\1t"))));
    CHECK(xpub.recv()->front().text() == std::string("\1t"));
    for (int i = 0; i < 3; ++i) CHECK(xsub.send(message(std::string("\0t", 2))));
    CHECK(xpub.recv()->front().text() == std::string("\0t", 2));
    CHECK(xsub.send(message(std::string("\1u"))));
    CHECK(xpub.recv()->front().text() == std::string("\1u"));
    CHECK(xpub.peers()[0].subscriptions == 1);
  });
}

TEST_CASE("a subscriber that does not read slows nobody, and what it misses is counted exactly") {
  in_actor([] {
    const int count = 20'000;
    pub_socket pub(patient({.send_high_water = 10}));
    const std::string at = pub.bind("tcp://127.0.0.1:*");
    const auto events = pub.events(100'000);
    sub_socket slow(patient({.connect = at, .receive_high_water = 10, .subscribe = "s"}));
    CHECK(pub.wait_subscribers(1, "s"));
    const std::string padding(1000, 'x');
    for (int i = 0; i < count; ++i)
      CHECK(pub.try_send(message::of("s", padding, std::to_string(i))) == send_status::ok);
    CHECK(pub.statistics().dropped > 0);
    // Now it reads: what was dropped and what it gets are all there was, in order.
    int received = 0, last = -1, wrong = 0;
    const auto read = [&](const message& m) {
      const int n = number_of(m);
      wrong += n <= last;
      last = n;
      ++received;
    };
    while (received + static_cast<int>(pub.statistics().dropped) < count) read(*slow.recv());
    CHECK(wrong == 0);
    CHECK(received + static_cast<int>(pub.statistics().dropped) == count);
    CHECK(slow.try_recv().status() == recv_status::empty);
    pub.close();
    std::uint64_t told = 0;
    while (const auto e = events.recv()) told += e->kind == peer_event_kind::dropped ? e->count : 0;
    CHECK(told == pub.statistics().dropped);
  });
}

TEST_CASE("nine subscribers get everything though a tenth has stopped reading, and drops are sent minus received") {
  in_actor([] {
    constexpr int count = 3000, step = 50;  // far more than the tenth's queues and the kernel take
    constexpr std::size_t subscribers = 10;
    pub_socket pub(patient({.send_high_water = 2 * step}));
    const std::string at = pub.bind(testing::fresh_ipc());
    std::vector<sub_socket> subs;
    for (std::size_t i = 0; i < subscribers; ++i)
      subs.emplace_back(patient({.connect = at, .receive_high_water = 2 * step, .subscribe = "t"}));
    CHECK(pub.wait_subscribers(subscribers, "t"));

    std::array<std::atomic<int>, subscribers> received{};
    const auto read = [&](std::size_t which) {
      int before = -1;
      for (const message& m : subs[which]) {
        const int n = number_of(m);
        EXPECT(which == 0 ? n > before : n == before + 1);
        before = n;
        ++received[which];
      }
    };
    with_scope([&](scope& s) {
      for (std::size_t i = 1; i < subscribers; ++i) s.spawn([&, i] { read(i); });
      const std::string padding(1000, 'x');
      for (int i = 0; i < count; ++i) {
        CHECK(pub.send(message::of("t", padding, std::to_string(i))));
        if ((i + 1) % step == 0)
          for (std::size_t k = 1; k < subscribers; ++k) testing::eventually([&] { return received[k] == i + 1; });
      }
      s.spawn([&] { read(0); });  // so that it has its queue's end
      CHECK(pub.close().unsent == 0);
      for (sub_socket& sub : subs) sub.close();
    });
    std::size_t all = 0;
    for (const auto& n : received) all += static_cast<std::size_t>(n);
    const net::socket_statistics told = pub.statistics();
    CHECK(told.dropped > 0);
    CHECK(told.dropped == subscribers * count - all);
    CHECK(told.sent == all);
    CHECK(told.lost == 0);
    for (std::size_t i = 1; i < subscribers; ++i) CHECK(received[i] == count);
  });
}

TEST_CASE("a publisher may wait for the slowest subscriber, drop the oldest or end its connection") {
  in_actor([] {
    const int count = testing::rounds(2000);
    pub_socket waits(patient({.send_high_water = 1, .slow = slow_subscriber::block}));
    const std::string at = waits.bind(testing::fresh_inproc());
    sub_socket a(patient({.connect = at, .receive_high_water = 1, .subscribe = ""})),
        b(patient({.connect = at, .subscribe = ""}));
    CHECK(waits.wait_subscribers(2));
    with_scope([&](scope& s) {
      s.spawn([&] {
        for (int i = 0; i < count; ++i) EXPECT(waits.send(numbered(i)));
      });
      s.spawn([&] {
        for (int i = 0; i < count; ++i) EXPECT(number_of(*b.recv()) == i);
      });
      int wrong = 0;
      for (int i = 0; i < count; ++i) wrong += number_of(*a.recv()) != i;
      CHECK(wrong == 0);
    });
    CHECK(waits.statistics().dropped == 0);

    pub_socket renews(patient({.send_high_water = 1, .slow = slow_subscriber::drop_oldest}));
    sub_socket late(
        patient({.connect = renews.bind(testing::fresh_inproc()), .receive_high_water = 1, .subscribe = ""}));
    CHECK(renews.wait_subscribers(1));
    for (int i = 0; i < 1000; ++i) CHECK(renews.try_send(numbered(i)) == send_status::ok);
    int last = -1;
    while (last != 999) last = number_of(*late.recv());

    pub_socket strict(patient({.send_high_water = 1, .slow = slow_subscriber::disconnect}));
    auto once = patient({.connect = strict.bind(testing::fresh_inproc()), .receive_high_water = 1, .subscribe = ""});
    once.reconnect = long_enough;
    sub_socket gone(std::move(once));
    CHECK(strict.wait_subscribers(1));
    for (int i = 0; i < 1000; ++i) CHECK(strict.try_send(numbered(i)) == send_status::ok);
    testing::eventually([&] { return strict.statistics().peers == 0; });
  });
}

TEST_CASE("disconnect lets go who waits for room in the endpoint's queue") {
  in_actor([] {
    const std::string nobody = testing::fresh_ipc();
    xsub_socket xsub(patient({.connect = nobody, .send_high_water = 1, .slow = slow_subscriber::block}));
    CHECK(xsub.send(message("fills it")));
    with_scope([&](scope& s) {
      s.spawn([&] { EXPECT(xsub.send(message("waits"), long_enough) == send_status::ok); });
      this_actor::sleep(5ms);  // so that it waits; the outcome is the same if it does not
      CHECK(xsub.disconnect(nobody));
    });
    CHECK(xsub.statistics().lost == 1);
  });
}

TEST_CASE("a publisher that waits for a subscriber goes on when that cancels its topic") {
  in_actor([] {
    pub_socket pub(patient({.send_high_water = 1, .slow = slow_subscriber::block}));
    sub_socket sub(patient({.connect = pub.bind(testing::fresh_inproc()), .receive_high_water = 1, .subscribe = "x"}));
    CHECK(pub.wait_subscribers(1, "x"));
    // One that is unread, one that waits to be so, and one in the queue.
    for (int i = 0; i < 3; ++i) CHECK(pub.send(message("x")));
    testing::eventually([&] { return pub.statistics().unsent == 2; });
    CHECK(pub.try_send(message("x")) == send_status::full);
    with_scope([&](scope& s) {
      s.spawn([&] { EXPECT(pub.send(message("x"))); });
      this_actor::sleep(1ms);  // it most likely waits now, and has to come back in any case
      CHECK(sub.cancel("x"));
    });
    CHECK(pub.statistics().dropped == 0);
  });
}

TEST_CASE("a SUB that connects to an endpoint twice gets each message once") {
  in_actor([] {
    net::pub_socket pub(patient());
    const std::string at = pub.bind(testing::fresh_ipc());
    sub_socket sub(patient({.connect = {at, at}, .subscribe = ""}));
    sub.connect(at);
    CHECK(pub.wait_subscribers(1, "x"));
    CHECK(pub.send(message("x")));
    CHECK(pub.send(message("y")));
    CHECK(sub.recv()->front() == "x");
    CHECK(sub.recv()->front() == "y");
    CHECK(pub.statistics().peers == 1);
    CHECK(sub.disconnect(at));
    CHECK_FALSE(sub.disconnect(at));
  });
}

TEST_CASE("topics are prefixes of any length, and each who wants one is found once") {
  net::internal::topic_table<int> t;
  using removed = net::internal::topic_table<int>::removed;
  const auto who = [&](std::string_view subject) {
    std::string all;
    t.match(subject, [&](int i) {
      all += static_cast<char>('0' + i);
      return true;
    });
    return all;
  };
  CHECK(t.add("", 1));
  CHECK(t.add("a", 2));
  CHECK(!t.add("a", 3));
  CHECK(!t.add("a", 3));
  CHECK(t.add(std::string(60'000, 'a'), 4));
  CHECK(who("b") == "1");
  CHECK(who("ab") == "123");
  CHECK(t.add("ab", 3));
  CHECK(who("ab") == "123");
  CHECK(t.remove("ab", 3) == removed::last);
  CHECK(who(std::string(60'001, 'a')) == "1234");
  CHECK(t.remove("a", 3) == removed::one_of_several);
  CHECK(t.remove("a", 3) == removed::last_of_who);
  CHECK(t.remove("a", 3) == removed::unknown);
  CHECK(t.remove("a", 2) == removed::last);
  CHECK(who("ab") == "1");
  std::vector<std::string> gone;
  t.remove_all(4, [&](std::string_view topic) { gone.emplace_back(topic); });
  CHECK(gone == std::vector<std::string>{std::string(60'000, 'a')});
  CHECK(!t.wanted("") == false);
  t.remove_all(1, [](std::string_view) {});
  CHECK(!t.wanted("a"));
}

TEST_CASE("what a subscriber misses is told at once, also while nobody reads what is being written to it") {
  in_actor([] {
    pub_socket pub(patient({.send_high_water = 1}));
    const auto events = pub.events();
    const std::string at = pub.bind(testing::fresh_ipc());
    const auto stopped = blocking([at] {
      auto s = testing::shaken(testing::connected_to(at), net::zmtp::socket_type::sub);
      std::string subscribe;
      net::zmtp::write_command(subscribe, "SUBSCRIBE", "");
      s.send_all(subscribe);
      return s;
    });
    CHECK(pub.wait_subscribers(1));
    CHECK(pub.send(message(std::string(20'000'000, 'x'))));  // more than the kernel takes
    testing::eventually([] { return testing::waits("zmtp writer", "write"); });
    CHECK(pub.send(message("has room")));
    for (int i = 0; i < 5; ++i) CHECK(pub.send(message("has none")));
    CHECK(pub.statistics().dropped == 5);
    CHECK(await(events, peer_event_kind::dropped).count == 1);
    pub.close(0ns);
    CHECK(await(events, peer_event_kind::dropped).count == 4);
  });
}

TEST_CASE("why a subscriber that was too slow is down is told") {
  for (const std::string& at : {testing::fresh_ipc(), testing::fresh_inproc()}) {
    INFO(at);
    in_actor([&] {
      pub_socket pub(patient({.send_high_water = 1, .slow = slow_subscriber::disconnect}));
      const auto events = pub.events();
      sub_socket slow(patient({.connect = pub.bind(at), .receive_high_water = 1, .subscribe = ""}));
      CHECK(pub.wait_subscribers(1));
      const message text(std::string(100'000, 'x'));
      while (pub.statistics().dropped == 0) CHECK(pub.send(text.copy()));
      CHECK(await(events, peer_event_kind::down).reason == "its queue was full (options.slow)");
    });
  }
}
