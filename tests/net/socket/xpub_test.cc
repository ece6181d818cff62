// XPUB: what its program hears of subscriptions, and manual mode.
#include <cstdint>
#include <set>
#include <string>

#include "tests/net/socket/sockets.h"
#include "tests/testing.h"
#include "weir/net/socket/pub_sub.h"

using namespace std::chrono_literals;
using namespace weir;
using net::message;
using net::sub_socket;
using net::xpub_socket;
using net::xsub_socket;
using testing::fresh_endpoints;
using testing::in_actor;
using testing::long_enough;
using testing::patient;

TEST_CASE("XPUB is told of subscriptions, and of those that end with their peer") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      xpub_socket xpub(patient({.welcome = "topic: welcome"}));
      const std::string endpoint = xpub.bind(at);
      sub_socket first(patient({.connect = endpoint, .subscribe = "topic"}));
      CHECK(xpub.recv()->front().text() == std::string("\1topic"));
      CHECK(first.recv()->front().text() == "topic: welcome");
      {
        xsub_socket second(patient({.connect = endpoint}));
        CHECK(second.send(message(std::string("\1topic"))));  // known already: not told
        CHECK(second.send(message(std::string("\1other"))));
        CHECK(xpub.recv()->front().text() == std::string("\1other"));
        CHECK(xpub.wait_subscribers(2, "topic"));
        CHECK(xpub.send(message("other message")));
        CHECK(second.recv()->front().text() == "topic: welcome");
        CHECK(second.recv()->front().text() == "other message");
      }
      CHECK(xpub.recv()->front().text() == std::string("\0other", 6));
      CHECK(first.cancel("topic"));
      CHECK(xpub.recv()->front().text() == std::string("\0topic", 6));
    });
  }
}

TEST_CASE("XPUB hears of subscriptions in the order in which they change what all its peers want") {
  in_actor([] {
    for (const std::string& at : {testing::fresh_ipc(), testing::fresh_inproc()}) {
      xpub_socket xpub(patient());
      const std::string endpoint = xpub.bind(at);
      for (int i = 0; i < 2; ++i) {
        sub_socket sub(patient({.connect = endpoint, .subscribe = "t"}));
        CHECK(xpub.wait_subscribers(1, "t"));
        sub.close();
        testing::eventually([&] { return xpub.statistics().disconnected == static_cast<std::uint64_t>(i) + 1; });
      }
      sub_socket sub(patient({.connect = endpoint, .subscribe = "t"}));
      CHECK(xpub.wait_subscribers(1, "t"));
      CHECK(xpub.statistics().unread == 5);
      for (const char said : {'\1', '\0', '\1', '\0', '\1'})
        CHECK(xpub.recv()->front().text() == said + std::string("t"));
      CHECK(xpub.statistics().unread == 0);
      CHECK(xpub.try_recv().status() == recv_status::empty);
    }
  });
}

TEST_CASE("a verbose XPUB is told of what others want already too, and once that nobody wants it any more") {
  in_actor([] {
    xpub_socket xpub(patient({.verbose = true}));
    const std::string at = xpub.bind(testing::fresh_ipc());
    sub_socket first(patient({.connect = at, .subscribe = "t"}));
    CHECK(xpub.recv()->front().text() == "\1t");
    xsub_socket second(patient({.connect = at}));
    for (int i = 0; i < 2; ++i) {
      CHECK(second.send(message("\1t")));
      CHECK(xpub.recv()->front().text() == "\1t");
    }
    CHECK(first.cancel("t"));
    testing::eventually([&] { return xpub.peers()[0].subscriptions == 0; });
    CHECK(xpub.try_recv().status() == recv_status::empty);
    second.close();
    CHECK(xpub.recv()->front().text() == std::string("\0t", 2));
    CHECK(xpub.try_recv().status() == recv_status::empty);
  });
}

TEST_CASE("only in manual mode is a peer of XPUB given topics") {
  in_actor([] {
    xpub_socket xpub(patient());
    sub_socket sub(patient({.connect = xpub.bind(testing::fresh_ipc()), .subscribe = "a"}));
    const auto wish = xpub.recv_subscription(long_enough);
    REQUIRE(wish);
    CHECK_FALSE(wish->give("b"));
    CHECK_FALSE(wish->take("a"));
    CHECK(sub.cancel("a"));
    testing::eventually([&] { return xpub.peers()[0].subscriptions == 0; });
    sub.subscribe("c");
    CHECK(xpub.wait_subscribers(1, "c"));
  });
}

TEST_CASE("XPUB hears of all subscriptions, also of those whose connection ended before it read them") {
  in_actor([] {
    xpub_socket xpub(patient({.receive_high_water = 1}));
    const std::string a = xpub.bind(testing::fresh_ipc()), b = xpub.bind(testing::fresh_ipc());
    net::endpoint_list topics;
    for (int i = 0; i < 10; ++i) topics.push_back("t" + std::to_string(i));
    sub_socket first(patient({.connect = a, .subscribe = topics})), second(patient({.connect = b}));
    for (const std::string& t : topics) CHECK(xpub.wait_subscribers(1, t));
    for (const std::string& t : topics) second.subscribe(t);
    for (const std::string& t : topics) CHECK(xpub.wait_subscribers(2, t));
    CHECK(xpub.unbind(a));
    std::set<std::string> told;
    for (int i = 0; i < 10; ++i) told.insert(std::string(xpub.recv()->front().text()));
    CHECK(told.size() == 10);
    for (const std::string& t : topics) CHECK(told.count("\1" + t) == 1);
    CHECK(xpub.try_recv().status() == recv_status::empty);
  });
}

TEST_CASE("in manual mode a peer of XPUB gets what it is given, whatever it asks for") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      xpub_socket xpub(patient({.manual = true}));
      const std::string endpoint = xpub.bind(at);
      sub_socket sub(patient({.connect = endpoint, .subscribe = "a"}));
      auto wish = xpub.recv_subscription(long_enough);
      REQUIRE(wish);
      CHECK(wish->wanted());
      CHECK(wish->topic() == "a");
      CHECK(xpub.send(message("a: not given yet")));
      CHECK(wish->give("a1"));
      CHECK(xpub.send(message("a0")));
      CHECK(xpub.send(message("a1")));
      CHECK(sub.recv()->front().text() == "a1");

      CHECK(sub.cancel("a"));
      auto change = xpub.recv_subscription(long_enough);
      REQUIRE(change);
      CHECK(!change->wanted());
      CHECK(change->topic() == "a");
      CHECK(change->take("a1"));
      CHECK(!change->take("a1"));

      sub.subscribe("b");
      CHECK(xpub.recv_subscription(long_enough)->give());
      CHECK(xpub.wait_subscribers(1, "b"));
      sub.close();
      auto gone = xpub.recv_subscription(long_enough);
      REQUIRE(gone);
      CHECK(!gone->wanted());
      CHECK(gone->topic() == "b");
      CHECK(!gone->give());
    });
  }
}

TEST_CASE("a subscriber is welcomed once in each connection, however many of its topics match") {
  in_actor([] {
    for (const bool manual : {false, true}) {
      xpub_socket xpub(patient({.manual = manual, .welcome = "topic: welcome"}));
      const std::string at = xpub.bind(testing::fresh_ipc());
      for (int connection = 0; connection < 2; ++connection) {
        sub_socket sub(patient({.connect = at, .subscribe = {"other", "t", "to", "topic", "last"}}));
        for (int i = 0; manual && i < 5; ++i) CHECK(xpub.recv_subscription(long_enough)->give());
        CHECK(xpub.wait_subscribers(1, "last"));
        CHECK(sub.cancel("t"));
        sub.subscribe("t");  // it is not new
        sub.subscribe("z last");
        for (int i = 0; manual && i < 3; ++i) {
          const auto wish = xpub.recv_subscription(long_enough);
          REQUIRE(wish);
          CHECK((wish->wanted() ? wish->give() : wish->take()));
        }
        CHECK(xpub.wait_subscribers(1, "z last"));
        CHECK(xpub.send(message("last")));
        CHECK(sub.recv()->front() == "topic: welcome");
        CHECK(sub.recv()->front() == "last");
        sub.close();
        testing::eventually([&] { return xpub.statistics().peers == 0; });
        while (manual && xpub.try_recv()) {
        }
      }
    }
  });
}
