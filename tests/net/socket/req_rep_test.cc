#include "weir/net/socket/req_rep.h"

#include <optional>
#include <string>

#include "tests/dump.h"
#include "tests/net/socket/sockets.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/net/socket/dealer_router.h"
#include "weir/net/socket/on_socket.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::dealer_socket;
using net::frame;
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

TEST_CASE("a request gets its own answer, however many are under way, from any actor") {
  for (const std::string& at : fresh_endpoints()) {
    INFO(at);
    in_actor([&] {
      const int clients = 8, each = testing::rounds(100);
      rep_socket rep(patient());
      req_socket req(patient({.connect = rep.bind(at)}));
      with_scope([&](scope& s) {
        s.spawn("server", [&] {
          with_scope([&](scope& answers) {
            for (request& q : rep)
              answers.spawn([q = std::move(q)]() mutable {
                std::string text(q.body().front().text());
                EXPECT(q.reply(message::of("re", text)));
              });
          });
        });
        with_scope([&](scope& asking) {
          for (int c = 0; c < clients; ++c)
            asking.spawn([&, c] {
              for (int i = 0; i < each; ++i) {
                const std::string text = std::to_string(c * 1'000'000 + i);
                auto answer = req.request(message(text));
                EXPECT(answer && *answer == message::of("re", text));
              }
            });
        });
        rep.close();
      });
      CHECK(req.statistics().malformed == 0);
    });
  }
}

TEST_CASE("a request whose answer does not come ends at its limit, and a late answer is thrown away") {
  in_actor([] {
    rep_socket rep(patient());
    req_socket req(patient({.connect = rep.bind(testing::fresh_ipc())}));
    for (auto limit = 1ms; req.statistics().sent == 0; limit *= 2) {  // until a connection takes it before its limit
      CHECK(req.request(message("one"), limit).status() == recv_status::timeout);
      testing::eventually([&] { return req.statistics().unsent == 0; });
    }
    auto late = rep.recv();
    REQUIRE(late);
    CHECK(late->body() == message("one"));
    CHECK(late->reply(message("late")));
    CHECK(late->answered());
    CHECK_THROWS_AS(late->reply(message("twice")), misuse);
    testing::eventually([&] { return req.statistics().malformed == 1; });
    with_scope([&](scope& s) {
      s.spawn([&] {
        auto q = rep.recv();
        EXPECT(q && q->reply(message("in time")));
      });
      auto answer = req.request(message("two"));
      CHECK((answer && *answer == message("in time")));
    });
    req_socket nobody;
    message kept("kept");
    CHECK(nobody.request(std::move(kept), 1ms).status() == recv_status::timeout);
    CHECK(kept == message("kept"));
    with_scope([&](scope& s) {
      s.spawn([&] { static_cast<void>(req.request(message("cancelled"))); });
      CHECK(rep.recv()->body() == message("cancelled"));
      s.cancel();
    });
    with_scope([&](scope& s) {
      s.spawn([&] { EXPECT(req.request(message("closed")).status() == recv_status::closed); });
      CHECK(rep.recv()->body() == message("closed"));
      req.close();
    });
  });
}

TEST_CASE("a question that nobody waits for any more is not sent to a peer that comes later") {
  in_actor([] {
    const std::string at = testing::fresh_ipc();
    req_socket req(patient({.connect = at, .send_high_water = 1}));
    for (int i = 0; i < 3; ++i) {
      message m = message::of("too", "late");
      CHECK(req.request(std::move(m), 1ms).status() == recv_status::timeout);
      CHECK(m == message::of("too", "late"));
      CHECK(req.statistics().unsent == 0);
    }
    with_scope([&](scope& s) {
      s.spawn([&] { static_cast<void>(req.request(message("cancelled"))); });
      testing::eventually([&] { return req.statistics().unsent == 1; });
      s.cancel();
    });
    CHECK(req.statistics().unsent == 0);
    {
      // Nor is what a connection had taken, and could not write.
      const std::string there = testing::fresh_ipc();
      req_socket many(patient({.connect = there}));
      const auto of_many = many.events();
      router_socket reads_nothing(patient({.bind = there, .receive_high_water = 1}));
      CHECK(many.wait_peers(1));
      with_scope([&](scope& s) {
        for (int i = 0; i < 50; ++i)
          s.spawn([&] { static_cast<void>(many.request(message(std::string(100'000, 'x')))); });
        testing::eventually([&] { return reads_nothing.statistics().unread > 0 && many.statistics().unsent > 0; });
        s.cancel();
      });
      reads_nothing.close(0ns);
      CHECK(testing::await(of_many, peer_event_kind::down).kind == peer_event_kind::down);
      CHECK(many.statistics().unsent == 0);
    }
    rep_socket rep(patient({.bind = at}));
    with_scope([&](scope& s) {
      s.spawn([&] {
        auto q = rep.recv();
        EXPECT(q && q->body() == message("now"));
        EXPECT(q && q->reply(message("answer")));
      });
      const auto answer = req.request(message("now"), long_enough);
      CHECK((answer && *answer == message("answer")));
    });
    CHECK(rep.statistics().received == 1);
  });
}

TEST_CASE("REQ sends and receives in step, also in select") {
  in_actor([] {
    rep_socket rep(patient());
    req_socket req(patient({.connect = rep.bind(testing::fresh_ipc())}));
    CHECK_THROWS_AS(req.recv(), misuse);
    CHECK(req.try_recv().status() == recv_status::empty);
    with_scope([&](scope& s) {
      s.spawn("server", [&] {
        for (request& q : rep) EXPECT(q.reply(message::of("re", q.body().front().copy())));
      });
      for (int i = 0; i < 100; ++i) {
        CHECK(req.send(testing::numbered(i)));
        message second("second");
        CHECK_THROWS_AS(req.send(std::move(second)), misuse);
        CHECK(second == message("second"));
        if (i % 2 == 0) CHECK(req.request(message("aside"))->back() == "aside");
        CHECK(testing::number_of(*req.recv()) == i);
      }
      message last("last");
      select(on_send(req, std::move(last), [](bool sent) { CHECK(sent); }));
      select(on_recv(req, [](std::optional<message> m) { CHECK((m && m->back() == "last")); }));
      rep.close();
    });
    CHECK(req.statistics().malformed == 0);

    router_socket router(patient());
    req_socket relaxed(patient({.connect = router.bind(testing::fresh_inproc()), .relaxed = true}));
    const auto answer = [&](const char* text) {
      auto m = router.recv();
      REQUIRE((m && m->size() == 4));
      m->back() = frame(text);
      CHECK(router.send(std::move(*m)));
    };
    CHECK(relaxed.send(message("first")));
    CHECK(relaxed.send(message("second")));
    answer("to the first");
    testing::eventually([&] { return relaxed.statistics().malformed == 1; });
    answer("to the second");
    testing::eventually([&] { return relaxed.statistics().unread == 1; });
    CHECK(relaxed.send(message("third")));
    answer("to the third");
    CHECK(relaxed.recv()->front() == "to the third");
    CHECK(relaxed.statistics().malformed == 2);
  });
}

TEST_CASE("recv of a relaxed REQ that finds only old answers lets their connection go on with the new one") {
  in_actor([] {
    router_socket router(patient());
    const std::string at = router.bind(testing::fresh_inproc());
    req_socket relaxed(patient({.connect = at, .receive_high_water = 1, .relaxed = true}));
    for (const char* text : {"first", "second"}) {
      CHECK(relaxed.send(message(text)));
      auto m = router.recv();
      REQUIRE((m && m->back() == text));
      CHECK(router.send(std::move(*m)));
      // The first answer fills the queue; the connection waits with the second one.
      if (text == std::string_view("first")) testing::eventually([&] { return relaxed.statistics().unread == 1; });
    }
    testing::eventually([] { return testing::waits("inproc", "hand over what came"); });
    CHECK(relaxed.recv()->back() == "second");
    CHECK(relaxed.statistics().malformed == 1);
  });
}

TEST_CASE("only the peer that was asked can answer") {
  in_actor([] {
    router_socket one(patient()), other(patient());
    const std::string to_one = one.bind(testing::fresh_ipc()), to_other = other.bind(testing::fresh_ipc());
    req_socket req(patient({.connect = {to_one, to_other}}));
    with_scope([&](scope& s) {
      s.spawn([&] { EXPECT(*req.request(message("question")) == message("right")); });
      auto asked = one.recv();
      REQUIRE((asked && asked->size() == 4));
      s.spawn([&] { EXPECT(*req.request(message("another")) == message("other")); });
      auto too = other.recv();
      REQUIRE((too && too->size() == 4));
      CHECK(other.send(message::of((*too)[0].copy(), (*asked)[1].copy(), "", "wrong")));
      testing::eventually([&] { return req.statistics().malformed == 1; });
      CHECK(one.send(message::of((*asked)[0].copy(), (*asked)[1].copy(), "", "right")));
      CHECK(other.send(message::of((*too)[0].copy(), (*too)[1].copy(), "", "other")));
    });
  });
}

TEST_CASE("REP and ROUTER take the envelopes of DEALER, and what is no question is counted") {
  in_actor([] {
    rep_socket rep(patient());
    dealer_socket dealer(patient({.connect = rep.bind("tcp://127.0.0.1:*")}));
    CHECK(dealer.send(message::of("no", "delimiter")));
    CHECK(dealer.send(message::of("way", "back", "", "body", "more")));
    auto q = rep.recv();
    REQUIRE(q);
    CHECK(q->body() == message::of("body", "more"));
    CHECK(q->reply(message("answer")));
    CHECK(*dealer.recv() == message::of("way", "back", "", "answer"));
    CHECK(rep.statistics().malformed == 1);

    CHECK(dealer.send(message::of("", "asked by one that goes")));
    auto orphan = rep.recv();
    REQUIRE(orphan);
    dealer.close();
    testing::eventually([&] { return rep.statistics().peers == 0; });
    CHECK(!orphan->reply(message("nobody")));
    CHECK(rep.statistics().dropped == 1);
  });
}

TEST_CASE("no peer and no program can make a question or an answer of no frames") {
  in_actor([] {
    rep_socket rep(patient());
    dealer_socket dealer(patient({.connect = rep.bind("tcp://127.0.0.1:*")}));
    CHECK(dealer.send(message("")));
    CHECK(dealer.send(message::of("way", "back", "")));
    CHECK(dealer.send(message::of("", "")));  // one frame, of no octets
    auto q = rep.recv();
    REQUIRE((q && q->body().size() == 1));
    CHECK(rep.statistics().malformed == 2);
    CHECK_THROWS_AS(q->reply(message()), misuse);
    CHECK(q->reply(message("")));
    CHECK(*dealer.recv() == message::of("", ""));

    router_socket router(patient());
    req_socket req(patient({.connect = router.bind("tcp://127.0.0.1:*"), .correlate = true}));
    CHECK_THROWS_AS(req.request(message()), misuse);
    CHECK_THROWS_AS(req.send(message()), misuse);
    const auto answer = [&router](const char* text) {
      auto m = router.recv();
      EXPECT(m && m->size() == 4);
      message bare = m->take_front(3);
      message whole = bare.copy();
      whole.push_back(frame(text));
      EXPECT(router.send(std::move(bare)));
      EXPECT(router.send(std::move(whole)));
    };
    with_scope([&](scope& s) {
      s.spawn([&] { answer("requested"); });
      auto a = req.request(message("question"));
      CHECK((a && *a == message("requested")));
    });
    CHECK(req.send(message("in step")));
    answer("received");
    CHECK(*req.recv() == message("received"));
    CHECK(req.statistics().malformed == 2);
  });
}

TEST_CASE("answers that a peer's queue has no room for are counted as that peer's") {
  in_actor([] {
    const std::uint64_t count = 50;
    rep_socket rep(patient({.send_high_water = 1}));
    const auto events = rep.events();
    dealer_socket dealer(patient({.connect = rep.bind(testing::fresh_inproc()), .receive_high_water = 1}));
    std::uint64_t refused = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      CHECK(dealer.send(message::of("", "question")));
      auto q = rep.recv();
      REQUIRE(q);
      refused += !q->reply(message("answer"));
    }
    CHECK(refused > 0);
    CHECK(rep.statistics().dropped == refused);
    CHECK(rep.peers()[0].dropped == refused);
    for (std::uint64_t i = refused; i < count; ++i) CHECK(dealer.recv());
    rep.close();
    std::uint64_t told = 0;
    while (const auto e = events.recv()) told += e->kind == peer_event_kind::dropped ? e->count : 0;
    CHECK(told == refused);
  });
}

TEST_CASE("REQ in step numbers its questions only if it is told to") {
  in_actor([] {
    router_socket router(patient());
    req_socket req(patient({.connect = router.bind(testing::fresh_ipc())}));
    for (int i = 0; i < 3; ++i) {
      CHECK(req.send(message::of("question", std::to_string(i))));
      const auto m = router.recv(long_enough);
      REQUIRE((m && m->size() == 4));
      CHECK((*m)[1].empty());
      CHECK((*m)[2] == "question");
      const auto answer = [&](message bare) {
        bare.push_front((*m)[0].copy());
        CHECK(router.send(std::move(bare)));
      };
      // None of these answers it.
      answer(message("no delimiter"));
      answer(message(""));
      answer(message::of(std::string(4, '\0'), "", "a number"));
      with_scope([&](scope& s) {  // others do not mix with it, and are answered by their number only
        s.spawn([&] { EXPECT(*req.request(message("aside"), long_enough) == message("to the request")); });
        auto aside = router.recv(long_enough);
        REQUIRE((aside && aside->size() == 4));
        CHECK((*aside)[1].size() == 4);
        CHECK(aside->back() == "aside");
        aside->back() = frame("to the request");
        CHECK(router.send(std::move(*aside)));
      });
      answer(message::of("", "answer", std::to_string(i)));
      const auto got = req.recv(long_enough);
      REQUIRE(got);
      CHECK(*got == message::of("answer", std::to_string(i)));
      answer(message::of("", "a second answer"));
      testing::eventually([&] { return req.statistics().malformed == 4 * static_cast<std::uint64_t>(i + 1); });
    }
  });
}
