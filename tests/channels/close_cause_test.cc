// close(cause): why a channel was closed.
#include <stdexcept>
#include <string>

#include "tests/channels/payloads.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"

using namespace testing;

namespace {

std::string text_of(const std::exception_ptr& cause) {
  if (cause == nullptr) return "none";
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("receivers and senders can read why a channel was closed") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    CHECK(rx.cause() == nullptr);
    tx.send(1);
    tx.close(std::make_exception_ptr(std::out_of_range("disk full")));
    CHECK(rx.recv() == 1);
    CHECK_FALSE(rx.recv().has_value());
    CHECK(text_of(rx.cause()) == "disk full");
    CHECK(text_of(tx.cause()) == "disk full");
    CHECK_THROWS_AS(std::rethrow_exception(rx.cause()), std::out_of_range);
  });
}

TEST_CASE("a cause may be a text, and a receiver may give it") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    rx.close("no more customers");
    CHECK_FALSE(tx.send(1));
    CHECK(text_of(tx.cause()) == "no more customers");
    CHECK_THROWS_AS(std::rethrow_exception(tx.cause()), std::runtime_error);
  });
}

TEST_CASE("the first close counts, and a plain one has no cause") {
  in_actor([] {
    auto a = weir::channel<int>(4);
    a.tx.close("first");
    a.rx.close("second");
    a.tx.close();
    CHECK(text_of(a.rx.cause()) == "first");
    auto b = weir::channel<int>(4);
    b.tx.close();
    b.tx.close("late");
    CHECK(b.rx.cause() == nullptr);
    auto c = weir::channel<int>(4);
    c.tx.reset();
    CHECK_FALSE(c.rx.recv().has_value());
    CHECK(c.rx.cause() == nullptr);
  });
}

TEST_CASE("a parked receiver finds the cause as soon as it is woken") {
  in_actor([] {
    for (int i = 0; i < rounds(10'000); ++i) {
      auto [tx, rx] = weir::channel<int>(i % 2);
      auto receiver = weir::spawn("receiver", [rx = rx] {
        while (rx.recv()) {
        }
        EXPECT(text_of(rx.cause()) == "enough");
      });
      if (i % 3) weir::this_actor::yield();
      tx.close("enough");
      receiver.join();
    }
  });
}

TEST_CASE("of two closes at once exactly one gives the cause, and all see the same") {
  in_actor([] {
    for (int i = 0; i < rounds(10'000); ++i) {
      auto [tx, rx] = weir::channel<int>(1);
      std::string seen[2];
      weir::with_scope([&](weir::scope& s) {
        s.spawn("sender", [&, tx = tx] {
          tx.close("a");
          seen[0] = text_of(tx.cause());
        });
        s.spawn("receiver", [&, rx = rx] {
          rx.close("b");
          seen[1] = text_of(rx.cause());
        });
      });
      REQUIRE(seen[0] == seen[1]);
      REQUIRE((seen[0] == "a" || seen[0] == "b"));
    }
  });
}

TEST_CASE("a sender may go with a reason, which is the cause once the last one has gone") {
  in_actor([] {
    auto [tx, rx] = weir::channel<int>(4);
    auto other = tx;
    tx.reset(std::make_exception_ptr(std::runtime_error("no paper")));
    CHECK_FALSE(tx);
    CHECK(rx.cause() == nullptr);  // it is open, and the other one goes on
    CHECK(other.send(1));
    other.reset(std::make_exception_ptr(std::runtime_error("no ink")));
    CHECK(rx.recv() == 1);
    CHECK_FALSE(rx.recv().has_value());
    CHECK(text_of(rx.cause()) == "no paper");

    auto closed = weir::channel<int>(4);
    auto second = closed.tx;
    closed.tx.reset(std::make_exception_ptr(std::runtime_error("no paper")));
    second.close("enough");
    CHECK(text_of(closed.rx.cause()) == "enough");
    second.reset(std::make_exception_ptr(std::runtime_error("late")));
    CHECK(text_of(closed.rx.cause()) == "enough");
    closed.tx.reset(std::make_exception_ptr(std::runtime_error("refers to no channel")));
  });
}

TEST_CASE("of senders that go with a reason at once exactly one gives the cause") {
  in_actor([] {
    for (int i = 0; i < rounds(1000); ++i) {
      auto [tx, rx] = weir::channel<int>(1);
      weir::with_scope([&, tx = std::move(tx)](weir::scope& s) mutable {
        for (const char* const reason : {"a", "b"})
          s.spawn("sender",
                  [reason, tx = tx]() mutable { tx.reset(std::make_exception_ptr(std::runtime_error(reason))); });
        tx.reset();
        CHECK_FALSE(rx.recv().has_value());
        const std::string cause = text_of(rx.cause());
        REQUIRE((cause == "a" || cause == "b"));
      });
    }
  });
}
