// The ways in which a wait can end, provoked against each other many times, for any pair of operations.
//
// An operation is one object with two functions, whose values are std::unique_ptr<int>:
//   int send(tx, limit, sent)      sends one or several values, and adds how many went to `sent`, also when it throws;
//                                  false once closed
//   bool receive(rx, limit, got)   the same for a receive
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

namespace testing {

using value = std::unique_ptr<int>;
using counter = std::atomic<long>;

struct plain_operations {
  static bool send(const weir::sender<value>& tx, weir::deadline limit, counter& sent) {
    value v = std::make_unique<int>(1);
    const weir::send_status s = tx.send(std::move(v), limit);
    EXPECT((s == weir::send_status::ok) == (v == nullptr));
    sent += s == weir::send_status::ok;
    return s != weir::send_status::closed;
  }
  static bool receive(const weir::receiver<value>& rx, weir::deadline limit, counter& got) {
    auto r = rx.recv(limit);
    if (r) got += **r;
    return r.status() != weir::recv_status::closed;
  }
};

template <class Operations>
void close_against_operations(weir::channel_ends<value> (*make)(int round)) {
  for (int i = 0; i < rounds(10'000); ++i) {
    auto [tx, rx] = make(i);
    counter sent{0}, got{0};
    weir::with_scope([&](weir::scope& s) {
      for (int p = 0; p < 2; ++p)
        s.spawn("sender", [&sent, tx = tx] {
          while (Operations::send(tx, weir::deadline::never(), sent)) {
          }
        });
      s.spawn("receiver", [&got, rx = rx] {
        while (Operations::receive(rx, weir::deadline::never(), got)) {
        }
      });
      s.spawn("closer", [tx = tx, i] {
        for (int k = 0; k < i % 7; ++k) weir::this_actor::yield();
        tx.close();
      });
    });
    REQUIRE(sent == got);
  }
}

template <class Operations>
void timeout_against_operations(weir::channel_ends<value> ends) {
  using namespace std::chrono_literals;
  counter sent{0}, got{0};
  weir::with_scope([&](weir::scope& s) {
    for (int c = 0; c < 2; ++c)
      s.spawn("consumer", [&got, rx = ends.rx] {
        while (Operations::receive(rx, 3us, got)) {
        }
      });
    ends.rx.reset();
    weir::with_scope([&](weir::scope& producers) {
      for (int p = 0; p < 2; ++p)
        producers.spawn("producer", [&sent, tx = ends.tx] {
          for (int i = 0; i < rounds(10'000); ++i) Operations::send(tx, 2us, sent);
        });
    });
    ends.tx.reset();
  });
  CHECK(sent == got);
}

template <class Operations>
void cancel_against_operations(weir::channel_ends<value> ends) {
  counter sent{0}, got{0};
  auto consumer = weir::spawn("consumer", [&got, rx = std::move(ends.rx)] {
    while (Operations::receive(rx, weir::deadline::never(), got)) {
    }
  });
  for (int i = 0; i < rounds(10'000); ++i) {
    auto victim = weir::spawn("victim", [&sent, tx = ends.tx] {
      for (;;) Operations::send(tx, weir::deadline::never(), sent);
    });
    for (int k = 0; k < i % 5; ++k) weir::this_actor::yield();
    victim.cancel();
    victim.wait();
  }
  ends.tx.reset();
  consumer.join();
  CHECK(sent == got);
}

// A receiver is cancelled again and again; what it got before counts, and the rest comes to whoever is next.
template <class Operations>
void cancel_against_receives(weir::channel_ends<value> ends) {
  counter sent{0}, got{0};
  std::atomic<bool> stop{false};
  auto producer = weir::spawn("producer", [&, tx = std::move(ends.tx)] {
    while (!stop && Operations::send(tx, weir::deadline::never(), sent)) {
    }
  });
  for (int i = 0; i < rounds(10'000); ++i) {
    auto victim = weir::spawn("victim", [&got, rx = ends.rx] {
      for (;;) Operations::receive(rx, weir::deadline::never(), got);
    });
    for (int k = 0; k < i % 5; ++k) weir::this_actor::yield();
    victim.cancel();
    victim.wait();
  }
  stop = true;
  while (Operations::receive(ends.rx, weir::deadline::never(), got)) {
  }
  producer.join();
  CHECK(sent == got);
}

}  // namespace testing
