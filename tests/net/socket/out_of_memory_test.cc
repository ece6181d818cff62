// What a program asks of a message socket without memory is not done at all, and may be asked again.
#include <cstddef>
#include <string>

#include "tests/net/socket/sockets.h"
#include "tests/short_memory.h"
#include "tests/testing.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/net/socket/push_pull.h"

using namespace weir;
using testing::in_actor;
using testing::patient;
using testing::with_allocations;

TEST_CASE("without memory a subscription is neither there nor given up, here and at the publisher") {
  in_actor([] {
    net::xpub_socket xpub(patient());
    net::sub_socket sub(patient({.connect = xpub.bind(testing::fresh_ipc())}));
    CHECK(sub.wait_peers(1));
    const std::string topic(100, 't');
    int refused = 0;
    for (int left = 0; !with_allocations(left, [&] { sub.subscribe(topic); }); ++left, ++refused)
      CHECK_FALSE(sub.cancel(topic));
    CHECK(xpub.recv()->text() == '\1' + topic);
    CHECK(refused > 1);
    bool had = false;
    for (int left = 0; !with_allocations(left, [&] { had = sub.cancel(topic); }); ++left) ++refused;
    CHECK(had);
    CHECK(xpub.recv()->text() == '\0' + topic);
    CHECK_FALSE(sub.cancel(topic));
  });
}

TEST_CASE("a name of inproc that could not be bound for want of memory is free") {
  in_actor([] {
    net::pull_socket in(patient());
    const std::string at = testing::fresh_inproc() + std::string(100, 'n');
    int refused = 0;
    for (int left = 0; !with_allocations(left, [&] { in.bind(at); }); ++left) ++refused;
    CHECK(refused > 1);
    net::push_socket out(patient({.connect = at}));
    CHECK(out.send(net::message("there")));
    CHECK(in.recv()->text() == "there");
  });
}
