// Players that make random calls on shared channels and write down what each call reported.
//   player<T>          holds ends of the channels; play() makes calls and drops its ends
//   calls<T>()         what it draws from: history_calls.h
//
// Thread-safety: a player is its own actor's or thread's, but for what is atomic.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/channels/history.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/random.h"
#include "weir/runtime/this_actor.h"

namespace testing {

// A value with a destructor, which shows whether it was moved from.
struct boxed {
  int number;
  explicit boxed(int n) noexcept : number(n) {}
  boxed(boxed&& other) noexcept : number(std::exchange(other.number, -1)) {}
  boxed& operator=(boxed&&) = delete;
  ~boxed() { number = -2; }
};
inline int number_of(int v) { return v; }
inline int number_of(const boxed& v) { return v.number; }
template <class T>
inline constexpr bool shows_moves = std::is_same_v<T, boxed>;

enum class end_of : std::uint8_t { sender, receiver };

template <class T>
struct player;

template <class T>
struct call_row {
  const char* name;
  int weight;
  end_of needs;
  void (*make)(player<T>&, int channel);  // makes the call and writes down its facts
};
template <class T>
const std::vector<call_row<T>>& calls();

template <class T>
struct player {
  using kind = fact::kind;

  std::atomic<int>* clock = nullptr;
  int number = 0;
  weir::internal::random_source random{1};
  bool may_close = false;
  int favourite = 0;                                    // the row that it draws most often, so that histories differ
  std::vector<weir::sender<T>> tx;                      // by channel; empty: holds none
  std::vector<weir::receiver<T>> rx;                    // the same
  weir::channel_ends<T> nowhere = weir::channel<T>(0);  // stands in for an end in a case that is switched off

  // Written by the player, read by the harness: how many waiters this call may leave behind for as long as it takes,
  // 0 if it ends by itself or none is under way. Sequentially consistent, as the harness compares several players'.
  std::atomic<int> waiters{0};
  std::atomic<int> at_sender[4]{}, at_receiver[4]{};  // by channel, likewise
  std::atomic<bool> finished{false};

  operation now;  // the call that is being made
  std::vector<operation> log;
  int values = 0;

  int draw(int below) { return static_cast<int>(random.below(static_cast<std::uint32_t>(below))); }
  T value() { return T(number * 100 + values++); }
  std::chrono::microseconds soon() { return std::chrono::microseconds(1 + draw(30)); }
  void note(kind what, int channel, int v = 0) { now.facts.push_back({what, channel, v}); }

  // The call waits as long as it must, at these ends.
  void waits_at(end_of side, int channel) {
    ++(side == end_of::sender ? at_sender : at_receiver)[channel];
    ++waiters;
  }

  void sent(int channel, int v, const T& operand, weir::send_status s) {
    const bool ok = s == weir::send_status::ok;
    if constexpr (shows_moves<T>) EXPECT(operand.number == (ok ? -1 : v));
    (void)operand;
    note(ok ? kind::put : s == weir::send_status::closed ? kind::closed_to_send : kind::no_room, channel, v);
  }
  void received(int channel, weir::recv_status s, const T* v) {
    EXPECT((s == weir::recv_status::ok) == (v != nullptr));
    if (v)
      note(kind::take, channel, number_of(*v));
    else
      note(s == weir::recv_status::closed ? kind::closed_to_recv : kind::nothing, channel);
  }
  void received(int channel, const std::optional<T>& v) {
    received(channel, v ? weir::recv_status::ok : weir::recv_status::closed, v ? &*v : nullptr);
  }

  template <class Call>
  void record(const char* name, Call call) {
    now = {};
    now.player = number;
    now.call = name;
    now.waits = true;
    now.invoked = (*clock)++;
    try {
      call();
    } catch (const weir::cancelled&) {
      now.facts.clear();
      now.call += " (cancelled)";
      returned();
      throw;
    }
    returned();
  }
  void returned() {
    now.returned = (*clock)++;
    waiters = 0;
    for (auto& n : at_sender) n = 0;
    for (auto& n : at_receiver) n = 0;
    log.push_back(std::move(now));
  }

  void drop_sender(int c) {
    record("drop", [&] {
      tx[static_cast<std::size_t>(c)].reset();
      note(kind::drop_sender, c);
    });
  }
  void drop_receiver(int c) {
    record("drop", [&] {
      rx[static_cast<std::size_t>(c)].reset();
      note(kind::drop_receiver, c);
    });
  }

  void make_one_call() {
    const auto& table = calls<T>();
    int total = 0;
    for (const auto& row : table) total += row.weight;
    for (int attempt = 0; attempt < 20; ++attempt) {
      const call_row<T>* row = table.data();
      if (draw(3) == 0)
        row += favourite;
      else
        for (int at = draw(total); at >= row->weight; ++row) at -= row->weight;
      const int c = draw(static_cast<int>(tx.size()));
      const bool holds =
          row->needs == end_of::sender ? bool(tx[static_cast<std::size_t>(c)]) : bool(rx[static_cast<std::size_t>(c)]);
      if (!holds || (row->weight == 1 && !may_close)) continue;
      record(row->name, [&] { row->make(*this, c); });
      return;
    }
  }

  void play(int steps) {
    try {
      for (int i = 0; i < steps; ++i) {
        switch (draw(4)) {
          case 0:
            weir::this_actor::yield();
            break;
          case 1:
            for (int k = draw(300); k > 0; --k) asm volatile("");
            break;
          default:
            break;
        }
        make_one_call();
      }
    } catch (const weir::cancelled&) {
      leave();
      throw;
    }
    leave();
  }
  void leave() {
    for (std::size_t c = 0; c < tx.size(); ++c) {
      if (tx[c]) drop_sender(static_cast<int>(c));
      if (rx[c]) drop_receiver(static_cast<int>(c));
    }
    finished = true;
  }

  // A select over up to four cases at random ends; `more` are its further cases, and `limited` says that it ends by
  // itself.
  template <class... More>
  void any_of(bool limited, bool has_otherwise, int channel, More... more) {
    const int n = static_cast<int>(tx.size());
    const int from[2] = {channel, draw(n)}, to[2] = {draw(n), channel};
    T operands[2] = {value(), value()};
    const int numbers[2] = {number_of(operands[0]), number_of(operands[1])};
    bool on[4];
    int enabled = 0;
    for (int i = 0; i < 4; ++i) {
      const bool held =
          i < 2 ? bool(rx[static_cast<std::size_t>(from[i])]) : bool(tx[static_cast<std::size_t>(to[i - 2])]);
      on[i] = held && draw(4) != 0;
    }
    on[rx[static_cast<std::size_t>(channel)] ? 0 : 3] = true;  // at least one
    for (int i = 0; i < 4; ++i) enabled += on[i];
    now.waits = !has_otherwise || enabled > 1;
    if (!limited && !has_otherwise)
      for (int i = 0; i < 4; ++i)
        if (on[i]) waits_at(i < 2 ? end_of::receiver : end_of::sender, i < 2 ? from[i] : to[i - 2]);
    const auto in = [&](int i) -> const weir::receiver<T>& {
      return on[i] ? rx[static_cast<std::size_t>(from[i])] : nowhere.rx;
    };
    const auto out = [&](int i) -> const weir::sender<T>& {
      return on[i + 2] ? tx[static_cast<std::size_t>(to[i])] : nowhere.tx;
    };
    const auto got = [&](int i) { return [this, &from, i](std::optional<T> v) { received(from[i], v); }; };
    const auto gave = [&](int i) {
      return [&, i](bool ok) {
        sent(to[i], numbers[i], operands[i], ok ? weir::send_status::ok : weir::send_status::closed);
      };
    };
    weir::select(weir::on_recv(in(0), got(0)).when(on[0]), weir::on_recv(in(1), got(1)).when(on[1]),
                 weir::on_send(out(0), std::move(operands[0]), gave(0)).when(on[2]),
                 weir::on_send(out(1), std::move(operands[1]), gave(1)).when(on[3]), std::move(more)...);
    if (!now.facts.empty() || !has_otherwise) return;
    for (int i = 0; i < 4; ++i)
      if (on[i]) note(i < 2 ? kind::nothing : kind::no_room, i < 2 ? from[i] : to[i - 2]);
  }
};

}  // namespace testing
