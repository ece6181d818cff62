// Message sockets in one select with everything else that weir waits for.
#include "weir/channels/select.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/net/socket/sockets.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/timer.h"
#include "weir/net/process/process.h"
#include "weir/net/socket/dealer_router.h"
#include "weir/net/socket/on_socket.h"
#include "weir/net/socket/push_pull.h"
#include "weir/net/socket/req_rep.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using net::message;
using testing::in_actor;
using testing::number_of;
using testing::numbered;
using testing::patient;

TEST_CASE("select waits for a socket, a channel, a timer and a child's exit, and loses none of them") {
  in_actor([] {
    const int each = testing::rounds(350), children = each / 100 + 2;  // three of each: 10^5 in the nightly lane
    net::pull_socket in(patient());
    net::push_socket out(patient({.connect = in.bind("tcp://127.0.0.1:*")}));
    auto [tx, rx] = channel<int>(1);
    int messages = 0, values = 0, fired = 0, ended = 0, wrong = 0;
    with_scope([&, tx = std::move(tx)](scope& s) mutable {
      s.spawn("messages", [&out, each] {
        for (int i = 0; i < each; ++i) EXPECT(out.send(numbered(i)));
      });
      s.spawn("values", [tx = std::move(tx), each] {
        for (int i = 0; i < each; ++i) EXPECT(tx.send(i));
      });
      const auto start = [&] {
        return net::process({.program = "/bin/sh", .arguments = {"-c", "exit " + std::to_string(ended % 256)}});
      };
      net::process child = start();
      timer next(deadline(0ns));
      while (messages < each || values < each || fired < each || ended < children) {
        bool again = false;
        select(on_recv(in, [&](std::optional<message> m) { wrong += !m || number_of(*m) != messages++; }),
               on_recv(rx, [&](std::optional<int> v) { wrong += !v || *v != values++; }).when(values < each),
               on_timer(next, [&] { next.reset(++fired < each ? deadline(1us) : deadline::never()); }),
               net::on_exit(child, [&](std::optional<net::exit_status> e) {
                 wrong += !e || e->code != ended % 256;
                 again = ++ended < children;
               }).when(ended < children));
        if (again) child = start();
      }
    });
    CHECK(wrong == 0);
    CHECK(messages == each);
    CHECK(values == each);
    CHECK(fired == each);
    CHECK(ended == children);
    CHECK(in.try_recv().status() == recv_status::empty);
  });
}

TEST_CASE("select waits for questions to REP, passes over what is none, and each answer finds its way") {
  in_actor([] {
    const int count = testing::rounds(100);
    net::rep_socket rep(patient());
    const std::string at = rep.bind(testing::fresh_ipc());
    net::req_socket req(patient({.connect = at}));
    net::dealer_socket dealer(patient({.connect = at}));
    auto [tx, rx] = channel<int>(1);
    int questions = 0, values = 0, none = 0;
    with_scope([&, tx = std::move(tx)](scope& s) mutable {
      s.spawn("asks", [&, count] {
        for (int i = 0; i < count; ++i) {
          const auto answer = req.request(numbered(i), testing::long_enough);
          EXPECT(answer && answer->size() == 2 && answer->front().text() == "re" && number_of(*answer) == i);
        }
      });
      s.spawn("says what is no question", [&, count] {
        for (int i = 0; i < count; ++i) EXPECT(dealer.send(message("no delimiter")));
      });
      s.spawn("values", [tx = std::move(tx), count] {
        for (int i = 0; i < count; ++i) EXPECT(tx.send(i));
      });
      while (questions < count || values < count)
        select(on_recv(rep,
                       [&](std::optional<net::request> q) {
                         EXPECT(q && q->reply(message::of("re", q->body().front().copy())));
                         ++questions;
                       }),
               on_recv(rx, [&](std::optional<int>) { ++values; }).when(values < count));
      // The rest of what is no question completes no case: only the close does.
      s.spawn("closes", [&, count] {
        testing::eventually([&] { return rep.statistics().malformed == static_cast<std::uint64_t>(count); });
        rep.close();
      });
      select(on_recv(rep, [&](std::optional<net::request> q) { none += !q; }));
    });
    CHECK(questions == count);
    CHECK(values == count);
    CHECK(none == 1);
  });
}
