// Message sockets in one select with everything else that weir waits for.
#include "weir/channels/select.h"

#include <chrono>
#include <optional>
#include <string>

#include "tests/net/socket/sockets.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/timer.h"
#include "weir/net/process/process.h"
#include "weir/net/socket/on_socket.h"
#include "weir/net/socket/push_pull.h"
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
