// Pipelines that go on in another runtime, or in a process of libzmq.
#include "weir/net/socket/pipeline_bridge.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/net/socket/sockets.h"
#include "tests/net/socket/zmq_peer.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/net/message.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/runtime.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/this_actor.h"

namespace {

struct order {
  std::string name;
  int count;
  friend bool operator==(const order&, const order&) = default;
};

}  // namespace

template <>
struct weir::net::serialize<order> {
  static message pack(const order& o) { return message::of(o.name, std::to_string(o.count)); }
  static order unpack(const message& m) {
    if (m.size() != 2) throw bad_message(m, "an order is two frames, name and count", "Send both.");
    return {std::string(m[0].text()), std::stoi(std::string(m[1].text()))};
  }
};

namespace {

using namespace std::chrono_literals;
using Catch::Contains;
using testing::in_actor;
using testing::patient;
using weir::net::message;
using weir::net::pull_socket;
using weir::net::push_socket;
using weir::net::serialize;

std::vector<int> numbers(int n) {
  std::vector<int> v;
  for (int i = 0; i < n; ++i) v.push_back(i);
  return v;
}
auto endless() {
  return weir::generate<int>([](const auto& emit) {
    for (int i = 0; emit(i); ++i) {
    }
  });
}
// Of all lengths up to some thousand, now and then a large one.
std::string text_of(int i) {
  return std::string(i % 500 == 0 ? 200'000 : static_cast<std::size_t>(i % 3000), static_cast<char>('a' + i % 26));
}
message last() { return message::of("", "weir:end", ""); }

// Runs f in a runtime of its own.
template <class F>
std::jthread elsewhere(F f) {
  return std::jthread([f = std::move(f)]() mutable {
    weir::runtime r({.workers = testing::workers()});
    r.run(std::move(f));
  });
}

}  // namespace

TEST_CASE("items become messages, and messages items") {
  CHECK((serialize<int>::pack(258) == message(std::string("\2\1\0\0", 4))));
  CHECK((serialize<std::int16_t>::pack(-2) == message("\xfe\xff")));
  CHECK((serialize<double>::pack(-0.5) == message(std::string("\0\0\0\0\0\0\xe0\xbf", 8))));
  CHECK(serialize<int>::unpack(serialize<int>::pack(-7)) == -7);
  CHECK(serialize<std::uint64_t>::unpack(serialize<std::uint64_t>::pack(~0ull)) == ~0ull);
  CHECK(serialize<float>::unpack(serialize<float>::pack(1.25f)) == 1.25f);
  CHECK(serialize<std::string>::unpack(serialize<std::string>::pack("")).empty());
  CHECK(serialize<std::string>::unpack(serialize<std::string>::pack(text_of(0))) == text_of(0));
  CHECK((serialize<message>::unpack(serialize<message>::pack(message::of("a", "b"))) == message::of("a", "b")));
  CHECK((serialize<order>::unpack(serialize<order>::pack({"tea", 2})) == order{"tea", 2}));

  CHECK_THROWS_WITH(
      serialize<int>::unpack(message("abc")),
      "a number of 4 octets is one frame of 4; got a frame of 3 octets, \"abc\". Give weir::from the type "
      "that was sent, or weir::net::message for whatever comes.");
  CHECK_THROWS_WITH(serialize<std::string>::unpack(message::of("\1", "xyz")),
                    Contains("a std::string is one frame; got 2 frames, of 1, 3 octets, the first \"\\x01\". Give"));
  CHECK_THROWS_WITH(serialize<order>::unpack(message()),
                    "an order is two frames, name and count; got no frame. Send "
                    "both.");
}

TEST_CASE("what a pipeline sends another one in another runtime gets whole and in order, and then its end") {
  const int count = testing::rounds(5000);
  for (const std::string& at : testing::fresh_endpoints()) {
    INFO(at);
    std::jthread there;
    in_actor([&] {
      pull_socket in(patient());
      const auto send = [endpoint = in.bind(at), count] {
        weir::from(numbers(count)) | weir::map(text_of) | weir::into(push_socket(patient({.connect = endpoint}))) |
            weir::execute();
      };
      weir::with_scope([&](weir::scope& s) {
        if (at.starts_with("inproc:"))
          s.spawn(send);
        else
          there = elsewhere(send);
        int next = 0, wrong = 0;
        weir::from<std::string>(in) | weir::into([&](const std::string& text) { wrong += text != text_of(next++); }) |
            weir::execute();
        CHECK(next == count);
        CHECK(wrong == 0);
      });
      CHECK(in.statistics().unread == 0);
    });
  }
}

TEST_CASE("each of several pipelines that receive ends when all that send have ended") {
  in_actor([] {
    const int count = testing::rounds(1000);
    pull_socket a(patient()), b(patient());
    const weir::net::endpoint_list both{a.bind("tcp://127.0.0.1:*"), b.bind(testing::fresh_ipc())};
    std::atomic<long long> received{0}, sum{0};
    weir::with_scope([&](weir::scope& s) {
      for (const pull_socket* in : {&a, &b})
        s.spawn([&, in] {
          weir::from<int>(*in, {.streams = 3}) | weir::into([&](int n) { ++received, sum += n; }) | weir::execute();
        });
      for (int i = 0; i < 3; ++i)
        s.spawn([&] {
          weir::from(numbers(count)) | weir::into(push_socket(patient({.connect = both}))) | weir::execute();
        });
    });
    CHECK(received == 3 * count);
    CHECK(sum == 3LL * count * (count - 1) / 2);
  });
}

TEST_CASE("a peer may be late: items wait for it, and so does the end of a stream of none") {
  in_actor([] {
    const std::string at = testing::fresh_ipc();
    const push_socket out(patient({.connect = at, .send_high_water = 10}));
    auto run = weir::from(numbers(1000)) | weir::into(out) | weir::start();
    testing::eventually([&] { return out.statistics().unsent == 10; });
    testing::eventually([&] { return run.progress().stages.back().in == 11; });  // the last one has no room
    {
      const pull_socket in(patient({.bind = at}));
      CHECK((weir::from<int>(in) | weir::collect() | weir::execute()).value == numbers(1000));
      run.wait();
    }

    push_socket waits(patient());
    const std::string there = waits.bind("tcp://127.0.0.1:*");
    auto none = weir::from(std::vector<int>()) | weir::into(std::move(waits)) | weir::start();
    CHECK(
        (weir::from<int>(pull_socket(patient({.connect = there}))) | weir::collect() | weir::execute()).value.empty());
    none.wait();
  });
}

TEST_CASE("one stream after the other goes through sockets that are the program's") {
  in_actor([] {
    pull_socket in(patient());
    const push_socket out(patient({.connect = in.bind(testing::fresh_inproc())}));
    for (int n : {3, 0, 1000}) {
      auto run = weir::from(numbers(n)) | weir::into(out) | weir::start();
      CHECK((weir::from<int>(in) | weir::collect() | weir::execute()).value == numbers(n));
      run.wait();
    }
  });
}

TEST_CASE("a pipeline whose socket is its own ends when its peers have read everything") {
  in_actor([] {
    pull_socket in(patient());
    push_socket out(patient({.connect = in.bind("tcp://127.0.0.1:*")}));
    const auto report = weir::from(numbers(100)) | weir::into(std::move(out)) | weir::execute();
    CHECK(report.stages.back().in == 100);
    CHECK(in.statistics().unread == 101);
    CHECK((weir::from(in) | weir::map([](message m) { return serialize<int>::unpack(m); }) | weir::collect() |
           weir::execute())
              .value == numbers(100));
  });
}

TEST_CASE("a message that is no item goes where on_error says, and without it fails the pipeline") {
  in_actor([] {
    pull_socket in(patient());
    const push_socket out(patient({.connect = in.bind(testing::fresh_inproc())}));
    const auto send_some = [&] {
      CHECK(out.send(serialize<int>::pack(1)));
      CHECK(out.send(message("abc")));
      CHECK(out.send(message::of("x", "", "weir:end")));
      CHECK(out.send(serialize<int>::pack(2)));
      CHECK(out.send(last()));
    };
    send_some();
    auto letters = weir::channel<weir::failed_item<message>>(8);
    CHECK((weir::from<int>(in) | weir::on_error(weir::dead_letter(std::move(letters.tx))) | weir::collect() |
           weir::execute())
              .value == std::vector<int>{1, 2});
    const auto first = letters.rx.recv(), second = letters.rx.recv();
    CHECK((first->value == message("abc")));
    CHECK(first->stage == "unpack");
    CHECK_THAT(first->what, Contains("one frame of 4; got a frame of 3 octets, \"abc\"."));
    CHECK((second->value == message::of("x", "", "weir:end")));
    CHECK_THAT(second->what, Contains("got 3 frames, of 1, 0, 8 octets, the first \"x\"."));
    CHECK(!letters.rx.recv());

    // Or as it came, to look at it later.
    send_some();
    auto kept = weir::channel<message>(8);
    CHECK((weir::from<int>(in, {}, {.parallel = 3}) | weir::on_error(weir::dead_letter(std::move(kept.tx))) |
           weir::collect() | weir::execute())
              .value == std::vector<int>{1, 2});
    const std::optional<message> one = kept.rx.recv(), other = kept.rx.recv();  // three actors, in any order
    CHECK(((one->size() == 1 ? *one : *other) == message("abc")));
    CHECK(((one->size() == 1 ? *other : *one) == message::of("x", "", "weir:end")));
    CHECK(!kept.rx.recv());

    send_some();
    CHECK_THROWS_WITH(weir::from<int>(in) | weir::collect() | weir::execute(),
                      Contains("stage \"unpack\": a number of 4 octets is one frame of 4; got a frame of 3 octets"));
  });
}

TEST_CASE("an item that cannot be sent goes where on_error says") {
  in_actor([] {
    push_socket nobody({.connect = testing::fresh_ipc(), .send_high_water = 1, .linger = 0ns});
    auto letters = weir::channel<std::string>(8);
    weir::from(std::vector<std::string>{"a", "b", "c"}) | weir::into(nobody, {.timeout = 20ms}) |
        weir::on_error(weir::dead_letter(std::move(letters.tx))) | weir::execute();
    CHECK(letters.rx.recv() == "b");
    CHECK(letters.rx.recv() == "c");
    CHECK(!letters.rx.recv());

    pull_socket in(patient());
    const push_socket out(patient({.connect = in.bind(testing::fresh_inproc())}));
    std::vector<message> some;
    some.push_back(last());
    some.push_back(message("x"));
    weir::from(std::move(some)) | weir::into(out) | weir::on_error(weir::skip) | weir::execute();
    CHECK(in.recv()->text() == "x");
    CHECK((*in.recv() == last()));
    some.clear();
    some.push_back(last());
    CHECK_THROWS_WITH(weir::from(std::move(some)) | weir::into(out) | weir::execute(),
                      Contains("stage \"into 1\": an item must not look like the end of a stream"));
  });
}

TEST_CASE("why a pipeline has not come to its end is told to the one that receives, behind what came before") {
  in_actor([] {
    pull_socket in(patient());
    const std::string at = in.bind("tcp://127.0.0.1:*");
    const auto receive = [&](std::atomic<int>& count) {
      weir::from<int>(in) | weir::into([&](int n) { EXPECT(n == count++); }) | weir::execute();
    };
    const auto fails = [](int i) { return i == 50 ? throw std::runtime_error("no fifty") : i; };
    std::atomic<int> count{0};
    CHECK_THROWS_WITH(weir::from(numbers(100)) | weir::map(fails, {.name = "picky"}) |
                          weir::into(push_socket(patient({.connect = at}))) | weir::execute(),
                      "stage \"picky\": no fifty");
    CHECK_THROWS_WITH(
        receive(count),
        "stage \"source\": a pipeline that sends here has not come to its end: stage \"picky\": no fifty");
    CHECK(count == 50);

    auto run = endless() | weir::into(push_socket(patient({.connect = at}))) | weir::start({.name = "rows"});
    testing::eventually([&] { return in.statistics().unread > 0; });
    run.cancel();
    count = 0;
    CHECK_THROWS_WITH(receive(count), Contains("pipeline \"rows\": cancelled before its end"));
    CHECK(count > 0);
    CHECK_THROWS_AS(run.wait(), weir::actor_cancelled);
  });
}

TEST_CASE("what is not received holds back the source") {
  in_actor([] {
    pull_socket in(patient({.receive_high_water = 1}));
    const push_socket out({.connect = in.bind(testing::fresh_inproc()), .send_high_water = 1, .linger = 0ns});
    std::atomic<int> made{0};
    auto run = endless() | weir::tap([&](int) { ++made; }) | weir::into(out) | weir::start();
    testing::eventually([&] { return in.statistics().unread == 1 && out.statistics().unsent > 0; });
    int most_ahead = 0;
    for (int i = 0; i < 1000; ++i) {
      CHECK(serialize<int>::unpack(*in.recv()) == i);
      most_ahead = std::max(most_ahead, made - i);
    }
    CHECK(most_ahead < 10);
    run.cancel();
  });
}

TEST_CASE("a socket that is closed ends the pipeline") {
  in_actor([] {
    pull_socket in(patient());
    push_socket out(patient({.connect = in.bind(testing::fresh_inproc())}));
    auto receives = weir::from<int>(in, {.streams = 0}) | weir::collect() | weir::start();
    auto sends = endless() | weir::into(out) | weir::start();
    testing::eventually([&] { return in.statistics().received > 100; });
    out.close();
    sends.wait();
    in.close();
    const std::vector<int> got = receives.wait().value;
    CHECK(got == numbers(static_cast<int>(got.size())));
    CHECK(got.size() == out.statistics().sent);
  });
}

TEST_CASE("a drain leaves what has come to the program, and takes what has come to a socket of the pipeline's own") {
  in_actor([] {
    std::atomic<int> count{0};
    weir::event go;
    const auto slowly = [&](int n) {
      go.wait();
      EXPECT(n == count++);
    };
    pull_socket in(patient());
    push_socket out(patient({.connect = in.bind(testing::fresh_inproc())}));
    for (int i = 0; i < 10; ++i) CHECK(out.send(serialize<int>::pack(i)));
    testing::eventually([&] { return in.statistics().unread == 10; });
    const auto drained = [&](auto run) {
      weir::with_scope([&](weir::scope& s) {
        s.spawn([&] { EXPECT(run.drain()); });
        weir::this_actor::yield();
        go.set();
      });
    };
    {
      auto run = weir::from<int>(in) | weir::into(slowly) | weir::start();
      testing::eventually([&] { return in.statistics().unread < 10; });
      drained(std::move(run));
    }
    const std::size_t left = in.statistics().unread;
    CHECK(left + static_cast<std::size_t>(count) == 10);
    for (; count < 10; ++count) CHECK(serialize<int>::unpack(*in.recv()) == count);

    go.reset();
    count = 0;
    for (int i = 0; i < 10; ++i) CHECK(out.send(serialize<int>::pack(i)));
    testing::eventually([&] { return in.statistics().unread == 10; });
    drained(weir::from<int>(std::move(in)) | weir::into(slowly) | weir::start());
    CHECK(count == 10);
  });
}

TEST_CASE("a program of libzmq is the other half of a pipeline, in both directions") {
  in_actor([] {
    testing::zmq_peer peer;
    pull_socket in(patient());
    peer.run("s = sock(zmq.PUSH); s.connect('" + in.bind("tcp://127.0.0.1:*") + "')");
    peer.start("for i in range(1000): s.send(struct.pack('<i', i))\ns.send_multipart([b'', b'weir:end', b''])");
    CHECK((weir::from<int>(in) | weir::collect() | weir::execute()).value == numbers(1000));
    peer.result();

    const std::string at = peer.run("r = sock(zmq.PULL); bind(r)");
    peer.start(
        "for i in range(1000): assert r.recv_multipart() == [b'tea', b'%d' % i]\n"
        "assert r.recv_multipart() == [b'', b'weir:end', b'']");
    weir::from(numbers(1000)) | weir::map([](int i) {
      return order{"tea", i};
    }) | weir::into(push_socket(patient({.connect = at}))) |
        weir::execute();
    peer.result();
  });
}

TEST_CASE("options that cannot be are refused") {
  in_actor([] {
    pull_socket in;
    CHECK_THROWS_WITH(weir::from<int>(in, {.streams = -1}), Contains(".streams must not be negative"));
    const pull_socket moved(std::move(in));
    CHECK_THROWS_AS(weir::from(in), weir::misuse);
    push_socket out;
    const push_socket elsewhere(std::move(out));
    CHECK_THROWS_AS(weir::into(out), weir::misuse);
  });
}
