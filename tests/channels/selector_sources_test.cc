// A selector comes back to its cases: those of sources that are no plain channels, and what a round leaves behind.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/broadcast.h"
#include "weir/channels/on_ready.h"
#include "weir/channels/oneshot.h"
#include "weir/channels/selector.h"
#include "weir/channels/watch.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::in_actor;

TEST_CASE("a future whose result was taken is absent from its selector, until it gets another job") {
  in_actor([] {
    weir::cpu_pool pool({.threads = 1});
    auto f = pool.submit([] { return 3; });
    f.wait();
    int sum = 0;
    weir::selector s;
    const auto ready = s.add(weir::on_ready(f, [&](weir::future<int>& done) { sum += done.get(); }));
    const auto none = s.add(weir::otherwise([] {}));
    CHECK(s.select() == ready);
    for (int i = 0; i < 10; ++i) CHECK(s.select() == none);
    f = pool.submit([] { return 4; });
    f.wait();
    s.when(ready, true);
    CHECK(s.select() == ready);
    CHECK(s.select() == none);
    CHECK(sum == 7);
    CHECK(s.remove(none));
    CHECK_THROWS_AS(s.select(), weir::misuse);  // no case is enabled

    auto taken_elsewhere = pool.submit([] { return 5; });
    auto told = weir::channel<int>(1);
    weir::selector other;
    other.add(weir::on_ready(taken_elsewhere, [&] { sum += 1000; }));
    const auto news = other.add(weir::on_recv(told.rx, [](auto) {}));
    CHECK(taken_elsewhere.get() == 5);
    weir::spawn([tx = told.tx] {
      weir::this_actor::sleep(1ms);
      tx.send(1);
    }).detach();
    CHECK(other.select() == news);
    CHECK(sum == 7);
  });
}

TEST_CASE("the receiver of a watch may move while a selector has its case") {
  in_actor([] {
    auto [tx, rx] = weir::watch(0);
    auto first = std::make_unique<weir::watch_receiver<int>>(std::move(rx));
    std::vector<int> seen;
    weir::selector s;
    s.add(weir::on_change(*first, [&](auto v) { seen.push_back(*v); }));
    const auto moved = std::move(*first);
    first.reset();
    tx.set(1);
    s.select();
    CHECK_FALSE(moved.has_changed());  // it was told what the case saw
    auto setter = weir::spawn([&tx = tx] {
      weir::this_actor::sleep(1ms);
      tx.set(2);
    });
    s.select();  // parks
    setter.join();
    CHECK(seen == std::vector<int>{1, 2});
    CHECK_FALSE(moved.has_changed());
  });
}

TEST_CASE("a oneshot gives a selector its value once, and then nothing") {
  in_actor([] {
    auto [tx, rx] = weir::oneshot<int>();
    CHECK(std::move(tx).send(7));
    int sum = 0, ends = 0;
    weir::selector s;
    weir::selector::id id{};
    id = s.add(weir::on_recv(rx, [&](const std::optional<int>& v) {
      sum += v.value_or(0);
      if (!v) {
        ++ends;
        CHECK(s.remove(id));
      }
    }));
    const auto none = s.add(weir::otherwise([] {}));
    CHECK(s.select() == id);
    CHECK(s.select() == id);
    CHECK(s.select() == none);
    CHECK(sum == 7);
    CHECK(ends == 1);
  });
}

TEST_CASE("a broadcast tells a selector once what it has missed, and nothing twice") {
  in_actor([] {
    auto [tx, rx] = weir::broadcast<int>(1);
    using status = weir::broadcast_status;
    struct told {
      status s;
      std::uint64_t missed;
      std::optional<int> value;
      bool operator==(const told&) const = default;
    };
    std::vector<told> all;
    weir::selector s;
    s.add(weir::on_recv(rx, [&](weir::broadcast_result<int> r) {
      all.push_back({r.status(), r.missed(), r ? std::optional(*r) : std::nullopt});
    }));
    for (int i = 0; i < 3; ++i) tx.send(i);
    s.select();
    s.select();
    tx.send(3);
    s.select();
    tx.close();
    s.select();
    s.select();
    CHECK(all == std::vector<told>{{status::lagged, 2, {}},
                                   {status::ok, 0, 2},
                                   {status::ok, 0, 3},
                                   {status::closed, 0, {}},
                                   {status::closed, 0, {}}});
  });
}

TEST_CASE("what a body only looked at goes with its round") {
  struct counted {
    std::shared_ptr<int> alive;
  };
  in_actor([] {
    const auto token = std::make_shared<int>();
    auto plain = weir::channel<counted>(1);
    auto shared = weir::broadcast<counted>(1);
    auto [once, single] = weir::oneshot<counted>();
    weir::selector s;
    s.add(weir::on_recv(plain.rx, [](const std::optional<counted>& v) { CHECK(v); }).priority(0));
    s.add(weir::on_recv(shared.rx, [](const auto& v) { CHECK(v); }).priority(1));
    s.add(weir::on_recv(single, [](const std::optional<counted>& v) { CHECK(v); }).priority(2));
    plain.tx.send({token});
    shared.tx.send({token});
    CHECK(std::move(once).send({token}));
    CHECK(token.use_count() == 4);
    for (int left = 3; left > 0; --left) {
      s.select();
      CHECK(token.use_count() == left);
    }
  });
}

TEST_CASE("the destructor of what a selector's body leaves may send on the same channel") {
  // Would never return if it were destroyed under the channel's lock, by this round or the next.
  struct chatty {
    const weir::sender<chatty>* out;
    int* sent;
    bool answers;
    chatty(const weir::sender<chatty>* o, int* n, bool a) : out(o), sent(n), answers(a) {}
    chatty(chatty&& o) noexcept : out(o.out), sent(o.sent), answers(std::exchange(o.answers, false)) {}
    ~chatty() {
      if (answers) *sent += out->try_send(chatty(out, sent, false)) == weir::send_status::ok;
    }
  };
  in_actor([] {
    const auto [tx, rx] = weir::channel<chatty>(8);
    int sent = 0;
    weir::selector s;
    s.add(weir::on_recv(rx, [](const std::optional<chatty>& v) { CHECK(v); }));
    for (int i = 1; i <= 5; ++i) {
      tx.send(chatty(&tx, &sent, true));
      s.select();
      CHECK(sent == i);
      s.select();  // what it sent
    }
  });
}
