#include "weir/net/websocket/connection.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/websocket/raw_peer.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/net/memory_stream.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using namespace weir::net::websocket;
using net::memory_ends;
using net::memory_pair;
using testing::in_actor;
using wire::raw_peer;

namespace {

// Nothing but what the test does: no pings, and as much time as a slow machine takes.
options patient() { return {.ping_every = 0ms, .close_within = 100s}; }

// A connection on a pair's second end, as a server, and a peer on the first.
struct served {
  explicit served(const options& o = patient(), net::memory_options pair = {})
      : ends(memory_pair(pair)), peer(std::move(ends.a), role::client), ws(std::move(ends.b), role::server, o) {}
  memory_ends ends;
  raw_peer peer;
  connection ws;
};

}  // namespace

TEST_CASE("messages of many senders go both ways in the order of each whatever the sizes of reads and writes") {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64 * 1024}}) {
    in_actor([piece] {
      memory_ends ends = memory_pair({.capacity = 1000});
      for (const net::memory_link& l : {ends.a_to_b, ends.b_to_a}) l.most_per_read(piece), l.most_per_write(piece);
      connection client(std::move(ends.a), role::client, patient());
      connection server(std::move(ends.b), role::server, patient());
      const int each = testing::rounds(30);
      const auto check = [each](const connection& c) {
        std::map<std::string, int> next;
        for (int i = 0; i < 3 * each; ++i) {
          const auto m = c.recv();
          EXPECT(m.has_value());
          if (!m) return;
          const std::size_t at = m->data.find(' ');
          EXPECT(std::stoi(m->data.substr(at)) == next[m->data.substr(0, at)]++);
        }
      };
      with_scope([&](scope& s) {
        for (connection* c : {&client, &server}) {
          for (const char* who : {"a", "b", "c"}) {
            s.spawn("sender", [c, who, each] {
              for (int i = 0; i < each; ++i)
                EXPECT(c->send(message::text(who + (" " + std::to_string(i)) + std::string(i % 200, ' '))));
            });
          }
          s.spawn("receiver", [c, check] { check(*c); });
        }
      });
      with_scope([&](scope& s) {
        s.spawn("client closes", [&] { EXPECT(client.close().in_order()); });
        s.spawn("server closes", [&] { EXPECT(server.close().in_order()); });
      });
    });
  }
}

TEST_CASE("what was read behind the handshake comes first") {
  in_actor([] {
    memory_ends ends = memory_pair();
    raw_peer peer(std::move(ends.a), role::client);
    connection ws(std::move(ends.b), role::server, patient(),
                  peer.as_sent(wire::text, "one") + peer.as_sent(wire::text, "two").substr(0, 3));
    REQUIRE(peer.stream.write_all(peer.as_sent(wire::text, "two").substr(3)));
    CHECK(ws.recv() == message::text("one"));
    CHECK(ws.recv() == message::text("two"));
  });
}

TEST_CASE("pings are answered beside messages and pongs that nobody asked for are taken") {
  in_actor([] {
    served t;
    t.peer.send(wire::ping, "first");
    CHECK(t.peer.next() == wire::event{input::pong, message::binary("first")});
    t.peer.send(wire::pong, "nobody's");
    t.peer.send(wire::text, "a", false);
    t.peer.send(wire::ping, "second");
    CHECK(t.peer.next() == wire::event{input::pong, message::binary("second")});
    t.peer.send(wire::continuation, "b");
    CHECK(t.ws.recv() == message::text("ab"));
  });
}

TEST_CASE("a silent peer is asked and lives as long as it answers and one that does not has vanished") {
  in_actor([] {
    served alive({.ping_every = 1ms, .pong_within = 100s, .close_within = 100s});
    for (int i = 0; i < 10; ++i) {
      CHECK(alive.peer.next().kind == input::ping);
      CHECK(alive.peer.send(wire::pong, ""));
    }
    alive.peer.send(wire::text, "still here");
    CHECK(alive.ws.recv() == message::text("still here"));

    served gone({.ping_every = 1ms, .pong_within = 1ms, .close_within = 100s});
    CHECK_FALSE(gone.ws.recv());
    CHECK_FALSE(gone.ws.send(message::text("x")));
    const ending how = gone.ws.close();
    CHECK(how.failure == "the peer has vanished: nothing came from it, and a ping was not answered");
    CHECK(how.peer.code == close_code::abnormal);
    CHECK_FALSE(how.in_order());
    // A ping may have gone out by then.
    wire::event last = gone.peer.next();
    if (last.kind == input::ping) last = gone.peer.next();
    CHECK(last.kind == input::more);
  });
}

TEST_CASE("a peer that vanishes while it takes nothing is missed and the one who waits to send hears of it") {
  in_actor([] {
    options o{.queue = 1, .ping_every = 5ms, .pong_within = 5ms, .close_within = 100s};
    served t(o, {.capacity = 10});
    while (t.ws.send(message::binary(std::string(100, 'x')))) {
    }
    CHECK(t.ws.close().failure.find("the peer has vanished") == 0);
  });
}

TEST_CASE("close writes what was sent before and waits for the answer and the end") {
  in_actor([] {
    served t;
    for (int i = 0; i < 20; ++i) CHECK(t.ws.send(message::text(std::to_string(i))));
    with_scope([&](scope& s) {
      s.spawn("close", [&] {
        const ending how = t.ws.close(static_cast<close_code>(4321), "enough");
        EXPECT(how.in_order());
        EXPECT(how.failure.empty());
        EXPECT(how.own == (close_reason{static_cast<close_code>(4321), "enough"}));
        EXPECT(how.peer == (close_reason{static_cast<close_code>(4321), "yes"}));
      });
      for (int i = 0; i < 20; ++i)
        CHECK(t.peer.next() == wire::event{input::message, message::text(std::to_string(i))});
      CHECK(t.peer.next().kind == input::close);
      CHECK(t.peer.closed_with() == close_reason{static_cast<close_code>(4321), "enough"});
      t.peer.send(wire::text, "too late");
      t.peer.send(wire::close, wire::close_payload(4321, "yes"));
      CHECK(t.peer.at_end());  // a server ends the stream
      t.peer.stream.close();
    });
    CHECK_FALSE(t.ws.recv());
    message kept = message::text("kept");
    CHECK_FALSE(t.ws.send(std::move(kept)));
    CHECK(kept.data == "kept");
    CHECK(t.ws.close().own.code == static_cast<close_code>(4321));  // the first reason counts
  });
}

TEST_CASE("a peer's close is answered at once and what it sent before is received") {
  for (const close_code code : {close_code::going_away, close_code::no_code}) {
    in_actor([code] {
      served t;
      t.peer.send(wire::text, "last");
      t.peer.send(wire::close, code == close_code::no_code ? "" : wire::close_payload(1001, "bye"));
      CHECK(t.peer.next().kind == input::close);
      CHECK(t.peer.closed_with() == close_reason{code, ""});
      CHECK(t.peer.at_end());
      t.peer.stream.close();
      CHECK(t.ws.ended().wait());
      CHECK(t.ws.recv() == message::text("last"));
      CHECK_FALSE(t.ws.recv());
      const ending how = t.ws.close();
      CHECK(how.in_order());
      CHECK(how.peer == close_reason{code, code == close_code::no_code ? "" : "bye"});
    });
  }
}

TEST_CASE("a client lets the server end the stream") {
  in_actor([] {
    memory_ends ends = memory_pair();
    raw_peer server(std::move(ends.a), role::server);
    connection ws(std::move(ends.b), role::client, patient());
    server.send(wire::close, wire::close_payload(1000));
    CHECK(server.next().kind == input::close);
    char byte[1];
    CHECK(server.stream.read_some(byte, 5ms).status == net::io_status::timeout);
    CHECK_FALSE(ws.ended().is_set());
    server.stream.close();
    CHECK(ws.ended().wait());
    CHECK(ws.close().in_order());
  });
}

TEST_CASE("a close that is not answered ends at its deadline or at close_within and says so") {
  in_actor([] {
    served t;
    const ending how = t.ws.close(close_code::normal, "", 2ms);
    CHECK(how.failure == "the peer has not closed in time");
    CHECK(how.peer.code == close_code::abnormal);

    served u({.ping_every = 0ms, .close_within = 2ms});
    CHECK(u.ws.close().failure == "the peer has not closed in time");
    served v(patient(), {.capacity = 4});  // a peer that takes nothing
    CHECK(v.ws.send(message::text("0123456789")));
    const ending stuck = v.ws.close(close_code::normal, "", 2ms);
    CHECK(stuck.failure == "the peer has not closed in time");
    CHECK(stuck.own.code == close_code::abnormal);  // it never went out

    served w({.ping_every = 0ms, .close_within = 2ms});
    w.ws.outgoing().close();  // and nobody waits for it
    CHECK(w.peer.next().kind == input::close);
    while (w.peer.send(wire::text, "it talks on")) this_actor::yield();  // which gains it no time
    CHECK(w.ws.ended().wait());
    CHECK(w.ws.close().failure == "the peer has not closed in time");
  });
}

TEST_CASE("a peer that breaks a rule is told the code and the sentence and the stream ends") {
  const auto broken = [](const std::string& bytes, options o = patient()) {
    ending how;
    in_actor([&] {
      served t(o);
      CHECK(t.peer.stream.write_all(bytes));
      CHECK(t.peer.next().kind == input::close);
      const close_reason told = t.peer.closed_with();
      CHECK(t.peer.at_end());
      t.peer.stream.close();
      CHECK(t.ws.ended().wait());
      CHECK_FALSE(t.ws.recv());
      how = t.ws.close();
      CHECK(how.own == told);
      CHECK_FALSE(how.in_order());
      CHECK(how.failure.find(told.text) != std::string::npos);
    });
    return how.own.code;
  };
  CHECK(broken(wire::frame(wire::text, "x", {.masked = false})) == close_code::protocol_error);
  CHECK(broken(wire::frame(wire::text, "\xFF")) == close_code::bad_text);
  CHECK(broken(wire::frame(wire::close, wire::close_payload(1005))) == close_code::protocol_error);
  CHECK(broken(wire::frame(wire::ping, std::string(126, 'p'))) == close_code::protocol_error);
  options small = patient();
  small.message = 10;
  CHECK(broken(wire::frame(wire::text, "12345678901"), small) == close_code::too_big);
  // What it sends on meanwhile does not take the close frame back.
  CHECK(broken(wire::frame(3, "") + std::string(50'000, 'x')) == close_code::protocol_error);
}

TEST_CASE("an end or a reset of the stream is told and no torn message comes out") {
  in_actor([] {
    served t;
    t.peer.send(wire::text, "whole");
    REQUIRE(t.peer.stream.write_all(t.peer.as_sent(wire::text, "torn").substr(0, 8)));
    t.peer.stream.close();
    CHECK(t.ws.recv() == message::text("whole"));
    CHECK_FALSE(t.ws.recv());
    CHECK(t.ws.close().failure == "the peer has ended the stream without a close frame");

    served u;
    u.peer.send(wire::text, "whole");
    u.ends.a_to_b.reset_after(20);
    REQUIRE(u.peer.stream.write_all(u.peer.as_sent(wire::text, "0123456789")));
    CHECK(u.ws.recv() == message::text("whole"));
    CHECK_FALSE(u.ws.recv());
    CHECK(u.ws.close().failure == "the stream was broken: reset");
  });
}

TEST_CASE("a peer that sends faster than messages are received has to wait") {
  in_actor([] {
    options o = patient();
    o.queue = 2;
    served t(o, {.capacity = 1000});
    const std::string frame = t.peer.as_sent(wire::binary, std::string(1000, 'x'));
    std::string all;
    for (int i = 0; i < 200; ++i) all += frame;
    const net::io_result r = t.peer.stream.write_all(all, 50ms);
    CHECK(r.status == net::io_status::timeout);
    // The pair's capacity, what is read at once and decoded, and the queue.
    CHECK(r.bytes <= 1000 + 2 * 16 * 1024 + 3 * frame.size());
    with_scope([&](scope& s) {
      s.spawn("rest", [&, went = r.bytes] { EXPECT(t.peer.stream.write_all(std::string_view(all).substr(went))); });
      for (int i = 0; i < 200; ++i) CHECK(t.ws.recv() == message::binary(std::string(1000, 'x')));
    });
  });
}

TEST_CASE("a queue is bound by messages and by octets") {
  const auto fit = [](options o, std::size_t octets) {
    int count = 0;
    in_actor([&] {
      served t(o, {.capacity = 1000});
      CHECK(t.ws.send(message::binary(std::string(2000, 'x'))));
      testing::eventually([&] { return t.ends.b_to_a.under_way() == 1000; });  // from now on the writer waits
      while (t.ws.outgoing().try_send(message::binary(std::string(octets, 'x'))) == send_status::ok) ++count;
      CHECK(t.ws.send(message::binary(std::string(octets, 'x')), 1ms) == send_status::timeout);
    });
    return count;
  };
  options o = patient();
  o.queue_bytes = 10'000;
  CHECK(fit(o, 1000) == 9);
  CHECK(fit(o, 20'000) == 1);  // alone
  o.queue = 3;
  CHECK(fit(o, 1) == 3);
}

TEST_CASE("a connection is a case of select for messages and room and its end") {
  in_actor([] {
    served t;
    int sent = 0;
    bool ended = false;
    std::string got;
    t.peer.send(wire::text, "question");
    while (!ended)
      select(on_message(t.ws,
                        [&](std::optional<message> m) {
                          if (m) got += m->data;
                        })
                 .when(got.empty()),
             on_send(t.ws.outgoing(), message::text("answer"),
                     [&] {
                       ++sent;
                       t.peer.send(wire::close, "");
                       EXPECT(t.peer.stream.shutdown());
                     })
                 .when(sent == 0 && !got.empty()),
             on_ended(t.ws, [&] { ended = true; }).when(sent > 0));
    CHECK(got == "question");
    CHECK(sent == 1);
  });
}

TEST_CASE("closing the channel of what goes out ends the connection in order") {
  in_actor([] {
    served t;
    CHECK(t.ws.send(message::text("last")));
    t.ws.outgoing().close();
    CHECK(t.peer.next() == wire::event{input::message, message::text("last")});
    CHECK(t.peer.next().kind == input::close);
    CHECK(t.peer.closed_with().code == close_code::normal);
    t.peer.send(wire::close, wire::close_payload(1000));
    CHECK(t.peer.at_end());
    t.peer.stream.close();
    CHECK(t.ws.close().in_order());
  });
}

TEST_CASE("a handle that goes breaks the connection off whatever its actors wait for") {
  in_actor([] {
    options o = patient();
    o.queue = 1;
    memory_ends ends = memory_pair({.capacity = 10});
    raw_peer peer(std::move(ends.a), role::client);
    {
      connection ws(std::move(ends.b), role::server, o);
      const connection idle(memory_pair().a, role::client, o);
      CHECK(ws.send(message::text("that does not fit into the pair")));
      CHECK(peer.send(wire::text, ""));
      CHECK(ws.recv());
    }
    while (peer.next().kind != input::more) {
    }
    CHECK(peer.closed_with().code == close_code::abnormal);
  });
}

TEST_CASE("a cancel or a deadline ends recv and send and close and the connection goes on") {
  in_actor([] {
    options o = patient();
    o.queue = 1;
    served t(o, {.capacity = 10});
    CHECK(t.ws.recv(1ms).status() == recv_status::timeout);
    CHECK_FALSE(within(1ms, [&] { t.ws.recv(); }));
    CHECK(t.ws.send(message::text("0123456789")));
    testing::eventually([&] { return t.ends.b_to_a.under_way() == 10; });  // from now on the writer waits
    CHECK(t.ws.send(message::text("0123456789")));
    CHECK_FALSE(within(1ms, [&] { t.ws.send(message::text("x")); }));
    CHECK_FALSE(within(1ms, [&] { t.ws.close(); }));
    CHECK(t.peer.next().kind == input::message);
    CHECK_FALSE(t.ws.ended().is_set());
    wire::event e;
    while ((e = t.peer.next()).kind == input::message) {
    }
    CHECK(e.kind == input::close);
    t.peer.send(wire::close, "");
    CHECK(t.peer.at_end());
    t.peer.stream.close();
    CHECK(t.ws.close().in_order());
  });
}

TEST_CASE("closes of both sides against sends: what is received is what was sent up to some message") {
  in_actor([] {
    for (int round = 0; round < testing::rounds(100); ++round) {
      memory_ends ends = memory_pair({.capacity = 100});
      connection client(std::move(ends.a), role::client, patient());
      connection server(std::move(ends.b), role::server, patient());
      with_scope([&](scope& s) {
        for (auto [from, to] : {std::pair(&client, &server), std::pair(&server, &client)}) {
          auto sent = std::make_shared<std::atomic<int>>(0);
          s.spawn("sender", [from = from, sent] {
            for (int i = 0; i < 50; ++i) {
              sent->store(i + 1);
              if (!from->send(message::text(std::to_string(i)))) return;
            }
          });
          s.spawn("receiver", [to = to, sent] {
            int next = 0;
            for (message& m : to->incoming()) EXPECT(m.data == std::to_string(next++));
            EXPECT(next <= sent->load());
          });
        }
        for (int i = round % 7; i > 0; --i) this_actor::yield();
        if (round % 3 != 0) s.spawn("client closes", [&] { EXPECT(client.close().in_order()); });
        if (round % 3 != 1) s.spawn("server closes", [&] { EXPECT(server.close().in_order()); });
      });
      CHECK(client.close().in_order());
      CHECK(server.close().in_order());
    }
  });
}

TEST_CASE("misuse of a connection says what is wrong") {
  in_actor([] {
    served t;
    CHECK_THROWS_WITH(t.ws.close(close_code::no_code),
                      Catch::StartsWith("websocket close: the code is one that may be sent, got 1005"));
    CHECK_THROWS_AS(t.ws.close(close_code::normal, std::string(124, 'x')), misuse);
    CHECK_THROWS_AS(t.ws.close(close_code::normal, "\xFF"), misuse);
    connection moved = std::move(t.ws);
    CHECK_THROWS_AS(t.ws.recv(), misuse);  // NOLINT
    CHECK_FALSE(t.ws);
    CHECK_THROWS_AS(connection(memory_pair().a, role::client, {.message = 0}), misuse);
    CHECK_THROWS_AS(connection(memory_pair().a, role::client, {.queue = 0}), misuse);
  });
  CHECK_THROWS_AS(connection(memory_pair().a, role::client), misuse);  // on a plain thread
}
