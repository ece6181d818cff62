// weak_sender: refers to a channel without keeping it open.
#include <thread>

#include "tests/channels/payloads.h"
#include "tests/channels/races.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"

using namespace testing;

TEST_CASE("a weak sender gives a sender as long as there is one, and does not keep the channel open") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    weir::weak_sender<int> weak = tx.weak();
    const weir::weak_sender<int> copy = weak;
    {
      auto again = weak.lock();
      REQUIRE(again);
      CHECK(again.send(1));
      tx.reset();
      CHECK(again.send(2));
      CHECK(copy.lock().send(3));
    }
    CHECK_FALSE(weak.lock());
    CHECK_FALSE(copy.lock());
    int last = 0;
    for (int& v : rx) last = v;
    CHECK(last == 3);
  });
}

TEST_CASE("a weak sender may be empty, moved, reset, and the last to go") {
  in_actor([] {
    weir::weak_sender<value> weak;
    CHECK_FALSE(weak.lock());
    {
      auto [tx, rx] = weir::channel<value>(4);
      tx.send(std::make_unique<int>(1));
      weak = tx.weak();
      auto moved = std::move(weak);
      CHECK_FALSE(weak.lock());
      CHECK(moved.lock());
      weak = moved;
    }
    CHECK_FALSE(weak.lock());
    weak.reset();
    CHECK_FALSE(weak.lock());
  });
}

TEST_CASE("a sender from a weak one of a closed channel says closed") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    const auto weak = tx.weak();
    rx.reset();
    auto again = weak.lock();
    REQUIRE(again);
    CHECK_FALSE(again.send(1));
  });
}

TEST_CASE("weak senders against the drop of the last sender: what went is received, and the channel ends") {
  in_actor([] {
    for (int i = 0; i < rounds(10'000); ++i) {
      auto [tx, rx] = weir::channel<value>(1);
      counter sent{0}, got{0};
      weir::with_scope([&](weir::scope& s) {
        for (int k = 0; k < 2; ++k)
          s.spawn("weak", [&sent, weak = tx.weak()] {
            for (int n = 0; n < 4; ++n)
              if (auto mine = weak.lock()) plain_operations::send(mine, weir::deadline::never(), sent);
          });
        s.spawn("receiver", [&got, rx = std::move(rx)] {
          while (plain_operations::receive(rx, weir::deadline::never(), got)) {
          }
        });
        for (int k = 0; k < i % 7; ++k) weir::this_actor::yield();
        tx.reset();
      });
      REQUIRE(sent == got);
    }
  });
}

TEST_CASE("weak senders and all other handles may go on different threads") {
  for (int i = 0; i < rounds(300); ++i) {
    auto [tx, rx] = weir::channel<value>(2);
    tx.send(std::make_unique<int>(1));
    std::thread weak_thread([weak = tx.weak()]() mutable {
      while (weak.lock()) std::this_thread::yield();
      weak.reset();
    });
    std::thread receiver([rx = std::move(rx)]() mutable { rx.reset(); });
    tx.reset();
    weak_thread.join();
    receiver.join();
  }
}
