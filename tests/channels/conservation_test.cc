// Every pair of operations, ended in every way: each value is delivered, or still its owner's, or destroyed with the
// channel; exactly one of the three.
#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/runtime/internal/random.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using testing::rounds;
using weir::recv_status;
using weir::send_status;

namespace {

// What became of one value. Atomic, because a doubled value would be counted by two at once.
struct fate {
  std::atomic<int> delivered{0}, kept{0}, destroyed{0};
  int total() const { return delivered + kept + destroyed; }
};

class parcel {
 public:
  explicit parcel(fate& f) noexcept : fate_(&f) { ++alive; }
  parcel(parcel&& other) noexcept : fate_(std::exchange(other.fate_, nullptr)) { ++alive; }
  parcel& operator=(parcel&&) = delete;
  ~parcel() {
    --alive;
    if (fate_) ++fate_->destroyed;
  }

  bool whole() const noexcept { return fate_ != nullptr; }
  void deliver() noexcept { ++std::exchange(fate_, nullptr)->delivered; }
  void keep() noexcept { ++std::exchange(fate_, nullptr)->kept; }

  static inline std::atomic<int> alive{0};  // moved-from ones included

 private:
  fate* fate_;
};

using sender = weir::sender<parcel>;
using receiver = weir::receiver<parcel>;
using result = weir::recv_result<parcel>;

// One row per operation; a new one joins with its row. Exactly one of `send` and `recv` is set.
struct operation {
  const char* name;
  bool takes_limit;  // else the time limit is a scope's
  send_status (*send)(const sender&, parcel&&, weir::deadline);
  result (*recv)(const receiver&, weir::deadline);
};

send_status as_status(bool sent) { return sent ? send_status::ok : send_status::closed; }
result as_result(std::optional<parcel> v) {
  const recv_status s = v ? recv_status::ok : recv_status::closed;
  return {s, std::move(v)};
}

const operation operations[] = {
    {"send", false, [](const sender& tx, parcel&& p, weir::deadline) { return as_status(tx.send(std::move(p))); }, {}},
    {"send(deadline)",
     true,
     [](const sender& tx, parcel&& p, weir::deadline limit) { return tx.send(std::move(p), limit); },
     {}},
    {"try_send", true, [](const sender& tx, parcel&& p, weir::deadline) { return tx.try_send(std::move(p)); }, {}},
    {"on_send",
     true,
     [](const sender& tx, parcel&& p, weir::deadline limit) {
       send_status s = send_status::timeout;
       weir::select(weir::on_send(tx, std::move(p), [&](bool sent) { s = as_status(sent); }),
                    weir::after(limit, [] {}).when(!limit.is_never()));
       return s;
     },
     {}},
    {"recv", false, {}, [](const receiver& rx, weir::deadline) { return as_result(rx.recv()); }},
    {"recv(deadline)", true, {}, [](const receiver& rx, weir::deadline limit) { return rx.recv(limit); }},
    {"try_recv", true, {}, [](const receiver& rx, weir::deadline) { return rx.try_recv(); }},
    {"on_recv",
     true,
     {},
     [](const receiver& rx, weir::deadline limit) {
       std::optional<result> r;
       weir::select(weir::on_recv(rx, [&](std::optional<parcel> v) { r.emplace(as_result(std::move(v))); }),
                    weir::after(limit, [] {}).when(!limit.is_never()));
       return r ? std::move(*r) : result{recv_status::timeout, std::nullopt};
     }},
    {"range-for",
     false,
     {},
     [](const receiver& rx, weir::deadline) {
       for (parcel& p : rx) return result{recv_status::ok, std::optional<parcel>(std::move(p))};
       return result{recv_status::closed, std::nullopt};
     }},
};

enum class ended_by : std::uint8_t { close, timeout, cancel, drop };
constexpr const char* end_names[] = {"close", "timeout", "cancel", "drop of the other side"};

// How often each thing happened: a table that never saw a timeout would hold for the wrong reason.
struct tally {
  std::atomic<long> sent{0}, kept{0}, received{0}, destroyed{0}, closed{0}, timed_out{0}, cancelled{0};
};

int draw(int below) {
  return static_cast<int>(weir::internal::thread_random().below(static_cast<std::uint32_t>(below)));
}

void linger() {
  for (int k = draw(4); k > 0; --k) weir::this_actor::yield();
  for (int k = draw(200); k > 0; --k) asm volatile("");
}

constexpr int values = 4;

// One of the two who use the channel.
struct party {
  const operation& op;
  ended_by how;
  tally& all;
  fate* fates;  // of its values, if it sends
  int count;

  weir::deadline limit() const {
    return how == ended_by::timeout ? weir::deadline(std::chrono::microseconds(1 + draw(20))) : weir::deadline();
  }
  // Calls f(limit), which sets the status, in a scope with a limit where the operation takes none itself.
  template <class Call>
  void limited(Call call) const {
    if (how == ended_by::timeout && !op.takes_limit)
      weir::within(limit(), [&] { call(weir::deadline()); });
    else
      call(limit());
  }

  void send_all(const sender& tx) const {
    for (int i = 0; i < count; ++i) {
      if (draw(2)) linger();
      parcel p(fates[i]);
      send_status s = send_status::timeout;
      try {
        limited([&](weir::deadline d) { s = op.send(tx, std::move(p), d); });
      } catch (const weir::cancelled&) {
        ++all.cancelled;
        EXPECT(p.whole());
        if (p.whole()) p.keep();
        throw;
      }
      EXPECT((s == send_status::ok) == !p.whole());
      ++(s == send_status::ok ? all.sent : all.kept);
      if (p.whole()) p.keep();
      all.timed_out += s == send_status::timeout;
      if (s == send_status::closed) {
        ++all.closed;
        return;
      }
    }
  }

  void recv_all(const receiver& rx) const {
    for (int i = 0; i < count; ++i) {
      if (draw(2)) linger();
      std::optional<result> r;
      try {
        limited([&](weir::deadline d) { r.emplace(op.recv(rx, d)); });
      } catch (const weir::cancelled&) {
        ++all.cancelled;
        EXPECT(!r || !*r);
        throw;
      }
      all.timed_out += !r || r->status() == recv_status::timeout;
      if (!r) continue;
      EXPECT((r->status() == recv_status::ok) == bool(*r));
      if (*r) {
        EXPECT((**r).whole());
        if ((**r).whole()) (**r).deliver();
        ++all.received;
      }
      if (r->status() == recv_status::closed) {
        ++all.closed;
        return;
      }
    }
  }
};

// Two operations on one channel; true if every value had one fate.
bool one_round(const operation& first, const operation& second, ended_by how, int capacity, tally& all) {
  fate fates[2 * values];
  const party parties[2] = {{first, how, all, fates, 1 + draw(values)},
                            {second, how, all, fates + values, 1 + draw(values)}};
  const bool both_send = first.send && second.send, both_recv = first.recv && second.recv;
  {
    auto ends = weir::channel<parcel>(capacity);
    // For the end by drop nobody but the two may hold an end of a side that they use.
    receiver house;
    if (how != ended_by::drop) house = ends.rx;
    weir::with_scope([&](weir::scope& s) {
      weir::actor_ref<void> actors[2];
      const bool apart = testing::workers() > 1 && draw(2) == 0;
      for (int i = 0; i < 2; ++i) {
        const party& p = parties[i];
        weir::spawn_options where;
        if (apart) where.pinned = i;
        if (p.op.send)
          actors[i] = s.spawn(
              "sends", [&p, tx = ends.tx] { p.send_all(tx); }, where);
        else
          actors[i] = s.spawn(
              "receives", [&p, rx = ends.rx] { p.recv_all(rx); }, where);
      }
      if (how == ended_by::close)
        s.spawn("closes", [tx = ends.tx, rx = ends.rx] {
          linger();
          draw(2) ? tx.close() : rx.close();
        });
      if (how != ended_by::drop || !both_recv) ends.tx.reset();
      if (how != ended_by::drop || !both_send) ends.rx.reset();
      if (how == ended_by::drop || how == ended_by::cancel) linger();
      ends.tx.reset(), ends.rx.reset();
      if (how != ended_by::cancel) return;
      if (draw(2)) return s.cancel();
      for (auto& a : actors) a.cancel();
    });
    if (house && draw(2))
      while (auto r = house.try_recv()) (*r).deliver(), ++all.received;
  }
  for (fate& f : fates) {
    all.destroyed += f.destroyed;
    if (f.total() > 1) return false;
  }
  for (const party& p : parties) {
    int met = 0;
    for (int i = 0; i < values; ++i) met += p.fates[i].total();
    // A prefix of its values was tried, each with one fate.
    for (int i = 0; i < values; ++i)
      if (p.fates[i].total() != (i < met)) return false;
  }
  return parcel::alive == 0;
}

}  // namespace

TEST_CASE("every pair of operations, ended by close, timeout, cancel or drop, keeps every value exactly once") {
  const int n = rounds(40);
  tally all;
  const int pairs = static_cast<int>(std::size(operations));
  for (const int capacity : {0, 1, 3})
    for (const ended_by how : {ended_by::close, ended_by::timeout, ended_by::cancel, ended_by::drop})
      testing::in_actor([&] {
        for (int i = 0; i < pairs; ++i)
          for (int k = i; k < pairs; ++k)
            for (int round = 0; round < n; ++round) {
              CAPTURE(capacity, operations[i].name, operations[k].name, end_names[static_cast<int>(how)], round);
              if (!one_round(operations[i], operations[k], how, capacity, all)) FAIL("a value was lost or doubled");
            }
      });
  CHECK(all.sent == all.received + all.destroyed);
  CHECK(all.sent > 0);
  CHECK(all.kept > 0);
  CHECK(all.destroyed > 0);
  CHECK(all.closed > 0);
  CHECK(all.timed_out > 0);
  CHECK(all.cancelled > 0);
}
