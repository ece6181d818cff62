// Payloads that show when a value is lost, doubled or leaked, and the traffic that carries them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/scope.h"

namespace testing {

// Move-only, without a default constructor, counted; of a size and an alignment.
template <std::size_t size, std::size_t alignment>
class alignas(alignment) payload {
 public:
  static inline std::atomic<long> alive{0};

  explicit payload(int v) noexcept : value_(v) {
    rest_[size - 1] = static_cast<unsigned char>(v);
    ++alive;
  }
  payload(payload&& other) noexcept : value_(std::exchange(other.value_, -1)), rest_(other.rest_) { ++alive; }
  payload& operator=(payload&&) = delete;
  ~payload() { --alive; }

  // -1: moved from.
  int value() const noexcept { return value_; }
  bool whole() const noexcept {
    return reinterpret_cast<std::uintptr_t>(this) % alignment == 0 &&
           rest_[size - 1] == static_cast<unsigned char>(value_);
  }

 private:
  int value_;
  std::array<unsigned char, size> rest_;
};

using small_payload = payload<1, alignof(int)>;
using aligned_payload = payload<1, 128>;
using page_payload = payload<4096, alignof(int)>;

// Its destructor sends on the channel that it came through, shells included, while `out` is set; what it sends is
// worth nothing.
class talkative_payload {
 public:
  static inline std::atomic<long> alive{0};
  static inline std::atomic<const weir::sender<talkative_payload>*> out{nullptr};

  explicit talkative_payload(int v) noexcept : value_(v) { ++alive; }
  talkative_payload(talkative_payload&& other) noexcept
      : value_(std::exchange(other.value_, -1)), silent_(other.silent_) {
    ++alive;
  }
  talkative_payload& operator=(talkative_payload&&) = delete;
  ~talkative_payload() {
    --alive;
    const weir::sender<talkative_payload>* const tx = out.load();
    if (tx == nullptr || silent_) return;
    talkative_payload word(0);
    word.silent_ = true;
    tx->try_send(std::move(word));
  }

  int value() const noexcept { return value_; }
  bool whole() const noexcept { return true; }

 private:
  int value_;
  bool silent_ = false;
};

// While it lives, talkative payloads talk on `tx`.
template <class P>
struct talking_on {
  explicit talking_on(const weir::sender<P>& tx) {
    if constexpr (std::is_same_v<P, talkative_payload>) talkative_payload::out = &tx;
  }
  talking_on(const talking_on&) = delete;
  ~talking_on() {
    if constexpr (std::is_same_v<P, talkative_payload>) talkative_payload::out = nullptr;
  }
};

// Four producers send 1 to `each` by `send(tx, first, last)`; three consumers sum up by `receive(rx)` until the channel
// ends. Nothing may be missing, and nothing may be left.
template <class P, class Send, class Receive>
void conserve(weir::channel_ends<P> ends, int each, Send send, Receive receive) {
  std::atomic<long> sum{0};
  {
    const weir::channel_ends<P> mine = std::move(ends);
    const talking_on<P> talk(mine.tx);
    weir::with_scope([&](weir::scope& consumers) {
      for (int c = 0; c < 3; ++c) consumers.spawn("consumer", [&] { sum += receive(mine.rx); });
      weir::with_scope([&](weir::scope& producers) {
        for (int p = 0; p < 4; ++p) producers.spawn("producer", [&] { send(mine.tx, 1, each); });
      });
      mine.tx.close();
    });
  }
  CHECK(sum == 4L * each * (each + 1) / 2);
  CHECK(P::alive == 0);
}

// For conserve(): one value at a time.
struct send_each {
  template <class P>
  void operator()(const weir::sender<P>& tx, int first, int last) const {
    for (int i = first; i <= last; ++i) EXPECT(tx.send(P(i)));
  }
};
struct receive_each {
  template <class P>
  long operator()(const weir::receiver<P>& rx) const {
    long sum = 0;
    for (P& v : rx) {
      EXPECT(v.whole());
      sum += v.value();
    }
    return sum;
  }
};

}  // namespace testing
