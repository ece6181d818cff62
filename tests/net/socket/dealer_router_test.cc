#include "weir/net/socket/dealer_router.h"

#include <cerrno>
#include <cstddef>
#include <string>

#include "tests/net/socket/sockets.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/socket/pair.h"
#include "weir/net/socket/proxy.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/net/socket/req_rep.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::dealer_socket;
using net::message;
using net::peer_event_kind;
using net::rep_socket;
using net::req_socket;
using net::request;
using net::router_socket;
using testing::fresh_endpoints;
using testing::in_actor;
using testing::long_enough;
using testing::patient;

TEST_CASE("ROUTER tells who sent, and sends to whom the first frame names") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      router_socket router(patient());
      const std::string endpoint = router.bind(at);
      dealer_socket named(patient({.connect = endpoint, .identity = "worker 1"})),
          other(patient({.connect = endpoint}));
      CHECK(named.send(message::of("a", "b")));
      auto m = router.recv();
      REQUIRE((m && m->size() == 3));
      CHECK((*m)[0].text() == "worker 1");
      CHECK((*m)[1].text() == "a");
      CHECK(other.send(message("c")));
      auto from_other = router.recv();
      REQUIRE((from_other && from_other->size() == 2));
      CHECK(from_other->front().size() == 5);
      CHECK(from_other->front().text()[0] == '\0');

      CHECK(router.send(message::of("worker 1", "to you", "")));
      CHECK(router.send(message::of(from_other->front().copy(), "and you")));
      CHECK(*named.recv() == message::of("to you", ""));
      CHECK(*other.recv() == message("and you"));

      CHECK(router.send(message::of("nobody", "lost")));
      CHECK(router.statistics().dropped == 1);
      CHECK(router.send(message("worker 1")));  // and nothing behind it
      CHECK(router.statistics().malformed == 1);
    });
  }
}

TEST_CASE("what waits for a peer that ROUTER has connected to is for its identity, and not for who comes instead") {
  for (const char* const next : {"a", "b"}) {
    INFO(next);
    in_actor([next] {
      const int count = 100;
      const std::string at = testing::fresh_ipc(), big(100'000, 'x');
      router_socket router(patient({.connect = at}));
      const auto events = router.events();
      {
        dealer_socket first(patient({.bind = at, .identity = "a", .receive_high_water = 1}));
        CHECK(testing::await(events, peer_event_kind::up).identity == "a");
        // Far more than the kernel keeps for one that does not read.
        for (int i = 0; i < count; ++i) CHECK(router.send(message::of("a", std::to_string(i), big)));
        CHECK(router.statistics().dropped == 0);
        first.close(0ns);
      }
      testing::await(events, peer_event_kind::down);
      const std::size_t kept = router.statistics().unsent;
      CHECK(kept > 0);
      const bool same = std::string(next) == "a";
      dealer_socket second(patient({.bind = at, .identity = next}));
      CHECK(testing::await(events, peer_event_kind::up).identity == next);
      CHECK(router.send(message::of(next, "for you", "")));
      for (std::size_t i = 0; i < (same ? kept : 0); ++i) CHECK(second.recv()->back().size() == big.size());
      CHECK(second.recv()->front().text() == "for you");
      testing::eventually([&] { return router.statistics().unsent == 0; });
      const auto s = router.statistics();
      CHECK(s.sent + s.lost == count + 1);
      CHECK(s.lost >= (same ? 0 : kept));
    });
  }
}

TEST_CASE("with mandatory a message for nobody is an error, and stays the caller's") {
  in_actor([] {
    router_socket router(patient({.send_high_water = 1, .mandatory = true}));
    message m = message::of("nobody", "x");
    bool thrown = false;
    try {
      router.send(std::move(m));
    } catch (const net::error& e) {
      thrown = e.code().value() == EHOSTUNREACH;
      CHECK(e.subject() == "peer \"nobody\"");
    }
    CHECK(thrown);
    CHECK(m == message::of("nobody", "x"));
    CHECK_THROWS_AS(router.try_send(std::move(m)), net::error);

    dealer_socket dealer(patient({.connect = router.bind(testing::fresh_inproc()), .identity = "d"}));
    CHECK(router.wait_peers(1));
    const int count = testing::rounds(200);
    with_scope([&](scope& s) {
      s.spawn([&] {  // it waits for room, and drops nothing
        for (int i = 0; i < count; ++i) EXPECT(router.send(message::of("d", std::to_string(i))));
      });
      int wrong = 0;
      for (int i = 0; i < count; ++i) wrong += testing::number_of(*dealer.recv()) != i;
      CHECK(wrong == 0);
    });

    // One that does not read: one message is unread, one waits to be so, and one is in the queue.
    dealer_socket idle(patient({.connect = router.last_endpoint(), .identity = "idle", .receive_high_water = 1}));
    CHECK(router.wait_peers(2));
    for (int i = 0; i < 3; ++i) CHECK(router.send(message::of("idle", "x")));
    testing::eventually([&] { return router.statistics().unsent == 2; });
    message kept = message::of("idle", "kept");
    CHECK(router.try_send(std::move(kept)) == send_status::full);
    CHECK(kept == message::of("idle", "kept"));
    CHECK(router.statistics().dropped == 0);
    idle.close(0ns);
  });
}

TEST_CASE("an identity is one peer's, unless handover gives it to the next") {
  in_actor([] {
    router_socket first(patient());
    const std::string at = first.bind(testing::fresh_ipc());
    dealer_socket a(patient({.connect = at, .identity = "same"}));
    CHECK(first.wait_peers(1));
    auto b = patient({.connect = at, .identity = "same"});
    dealer_socket second(std::move(b));
    testing::eventually([&] { return first.statistics().handshakes_failed > 0; });
    CHECK(first.send(message::of("same", "to the first")));
    CHECK(a.recv()->front().text() == "to the first");

    router_socket gives(patient({.handover = true}));
    const std::string there = gives.bind(testing::fresh_ipc());
    auto once = patient({.connect = there, .identity = "same"});
    once.reconnect = long_enough;  // else the two would take it from each other for ever
    dealer_socket c(once);
    CHECK(gives.wait_peers(1));
    const auto events = gives.events();
    dealer_socket d(once);
    for (;;) {
      const auto e = events.recv(long_enough);
      REQUIRE(e);
      if (e->kind != peer_event_kind::down) continue;
      CHECK(e->identity == "same");
      break;
    }
    testing::eventually([&] { return gives.statistics().peers == 1; });
    CHECK(gives.send(message::of("same", "to the next")));
    CHECK(d.recv()->front().text() == "to the next");
  });
}

TEST_CASE("PAIR has one peer, in both directions") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      net::pair_socket a(patient());
      net::pair_socket b(patient({.connect = a.bind(at)}));
      CHECK(b.send(message("question")));
      CHECK(a.recv()->front().text() == "question");
      CHECK(a.send(message("answer")));
      CHECK(b.recv()->front().text() == "answer");
      net::pair_socket c(patient({.connect = a.last_endpoint()}));
      testing::eventually([&] { return a.statistics().handshakes_failed > 0; });
      CHECK(a.statistics().peers == 1);
    });
  }
}

TEST_CASE("a proxy goes on when a client goes before its answer, also with mandatory") {
  in_actor([] {
    router_socket front(patient({.mandatory = true}));
    dealer_socket back(patient());
    const std::string clients = front.bind(testing::fresh_ipc());
    rep_socket rep(patient({.connect = back.bind(testing::fresh_inproc())}));
    with_scope([&](scope& s) {
      s.spawn([&] { net::proxy(front, back); });
      dealer_socket gone(patient({.connect = clients}));
      CHECK(gone.send(message::of("", "answer me")));
      auto q = rep.recv();
      REQUIRE(q);
      gone.close();
      testing::eventually([&] { return front.statistics().peers == 0; });
      CHECK(q->reply(message("too late")));
      s.spawn([&] {
        auto next = rep.recv();
        EXPECT(next && next->reply(message("in time")));
      });
      req_socket stays(patient({.connect = clients}));
      auto answer = stays.request(message("and me"), long_enough);
      CHECK((answer && *answer == message("in time")));
      front.close();
    });
  });
}

TEST_CASE("a proxy passes on requests and answers, and topics with their subscriptions") {
  in_actor([] {
    router_socket front(patient());
    dealer_socket back(patient());
    const std::string clients = front.bind(testing::fresh_ipc()), servers = back.bind(testing::fresh_inproc());
    req_socket req(patient({.connect = clients}));
    rep_socket one(patient({.connect = servers})), other(patient({.connect = servers}));
    net::push_socket copies(patient());
    net::pull_socket seen(patient({.connect = copies.bind(testing::fresh_inproc())}));
    CHECK(back.wait_peers(2));
    with_scope([&](scope& s) {
      s.spawn([&] { net::proxy(front, back, &copies); });
      for (rep_socket* rep : {&one, &other})
        s.spawn([rep] {
          for (request& q : *rep) {
            message same = std::move(q.body());
            EXPECT(q.reply(std::move(same)));
          }
        });
      for (int i = 0; i < 100; ++i) {
        auto answer = req.request(testing::numbered(i));
        CHECK((answer && testing::number_of(*answer) == i));
      }
      for (int i = 0; i < 200; ++i) CHECK(testing::number_of(*seen.recv()) == i / 2);
      front.close();  // ends the proxy
      one.close();
      other.close();
    });
    CHECK(one.statistics().received == 50);
    CHECK(other.statistics().received == 50);

    net::xsub_socket in(patient());
    net::xpub_socket out(patient());
    net::pub_socket pub(patient({.connect = in.bind(testing::fresh_inproc())}));
    net::sub_socket sub(patient({.connect = out.bind(testing::fresh_ipc()), .subscribe = "t"}));
    with_scope([&](scope& s) {
      s.spawn([&] { net::proxy(in, out); });
      CHECK(pub.wait_subscribers(1, "t"));
      CHECK(pub.send(message("topic")));
      CHECK(sub.recv()->front().text() == "topic");
      s.cancel();
    });
  });
}

TEST_CASE("PAIR has one queue: an endpoint or a peer beside the first one waits until its place is free") {
  in_actor([] {
    const std::string absent = testing::fresh_ipc();
    net::pair_socket x(patient()), y(patient());
    const std::string to_x = x.bind(testing::fresh_ipc()), to_y = y.bind(testing::fresh_ipc());
    net::pair_socket a(patient({.connect = {to_x, absent, to_y}}));
    const auto events = a.events();
    for (int i = 0; i < 4; ++i) CHECK(a.send(testing::numbered(i)));
    for (int i = 0; i < 4; ++i) {
      const auto m = x.recv(long_enough);
      REQUIRE(m);
      CHECK(testing::number_of(*m) == i);
    }
    CHECK(testing::await(events, peer_event_kind::handshake_failed).address == to_y);
    y.close();
    CHECK(a.disconnect(to_x));
    for (int i = 0; i < 4; ++i) CHECK(a.send(testing::numbered(i)));  // for who is absent
    CHECK(a.statistics().unsent == 4);
    CHECK(a.disconnect(absent));
    CHECK(a.statistics().lost == 4);
    CHECK(a.send(message("for y")));
    net::pair_socket z(patient({.bind = to_y}));
    CHECK(z.recv()->front() == "for y");
    CHECK(z.send(message("for a")));
    CHECK(a.recv()->front() == "for a");

    // Nor is there room for who comes.
    net::pair_socket b(patient({.connect = absent}));
    const std::string to_b = b.bind(testing::fresh_ipc());
    net::pair_socket comes(patient({.connect = to_b}));
    testing::eventually([&] { return b.statistics().handshakes_failed > 0; });
    CHECK(b.statistics().peers == 0);
    CHECK(b.disconnect(absent));
    CHECK(b.wait_peers(1));
    CHECK(comes.send(message("comes")));
    CHECK(b.recv()->front() == "comes");

    // Of endpoints for immediate messages who is there has the place.
    comes.close();
    testing::eventually([&] { return b.statistics().peers == 0; });
    net::pair_socket now(patient({.connect = {absent, to_b}, .immediate = true}));
    CHECK(now.send(message("now")));
    CHECK(b.recv()->front() == "now");
  });
}
