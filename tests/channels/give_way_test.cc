// An actor whose operations never have to wait does not keep its worker from others: with one worker, whoever is to
// stop it runs only if it gives way.
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/actors/monitor.h"
#include "weir/channels/actors/on_exit.h"
#include "weir/channels/broadcast.h"
#include "weir/channels/channel.h"
#include "weir/channels/oneshot.h"
#include "weir/channels/select.h"
#include "weir/channels/sync_cases.h"
#include "weir/channels/timer.h"
#include "weir/channels/watch.h"
#include "weir/runtime/sync/condition.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/sync/mutex.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using testing::in_actor;

namespace {

struct call {
  std::string name;  // the actor's, for the dump of a test that hangs
  std::function<void()> once;
};

void all_give_way(const std::vector<call>& calls) {
  for (const call& c : calls) {
    bool stop = false;
    int done = 0;
    auto busy = weir::spawn(c.name, [&] {
      while (!stop) {
        c.once();
        ++done;
      }
    });
    weir::this_actor::yield();  // comes back only if that gives way
    stop = true;
    INFO(c.name);
    CHECK(done < 128);
    busy.join();
  }
}

const weir::deadline expired(std::chrono::steady_clock::now() - 1s);

}  // namespace

TEST_CASE("channel operations that find what they need, and those that find nothing, give way") {
  in_actor(
      [] {
        auto [tx, rx] = weir::channel<int>(1000);
        auto [to_none, empty] = weir::channel<int>(1);
        auto [full, unread] = weir::channel<int>(1);
        auto [to_closed, closed] = weir::channel<int>(1);
        full.send(1);
        to_closed.reset();
        std::vector<int> values;
        all_give_way({
            {"send and receive",
             [&, &tx = tx, &rx = rx] {
               tx.try_send(1);
               (void)rx.try_recv();
             }},
            {"try_recv", [&, &rx = empty] { (void)rx.try_recv(); }},
            {"recv", [&, &rx = empty] { (void)rx.recv(expired); }},
            {"recv_many", [&, &rx = empty] { (void)rx.recv_many(values, 10, expired); }},
            {"recv_many of a closed one", [&, &rx = closed] { (void)rx.recv_many(values, 10); }},
            {"try_send", [&, &tx = full] { tx.try_send(1); }},
            {"send", [&, &tx = full] { (void)tx.send(1, expired); }},
            {"reserve without room", [&, &tx = full] { (void)tx.reserve(expired); }},
            {"reserve", [&, &tx = tx] { (void)tx.reserve(); }},
        });
      },
      1);
}

TEST_CASE("operations of oneshots, broadcasts, watches, monitors and conditions give way") {
  in_actor(
      [] {
        auto [never, answer] = weir::oneshot<int>();
        auto [gone, closed] = weir::oneshot<int>();
        auto [unheard, ended] = weir::oneshot<int>();
        auto [tx, rx] = weir::broadcast<int>(1, {.block = true});
        auto [set, seen] = weir::watch<int>(1);
        closed.reset();
        { const auto drop = std::move(unheard); }
        auto slow = tx.subscribe();
        tx.send(1);
        while (rx.try_recv().status() == weir::broadcast_status::ok) {
        }
        weir::monitor nobody;
        weir::mutex m;
        weir::condition c;
        all_give_way({
            {"oneshot recv", [&, &rx = answer] { (void)rx.recv(expired); }},
            {"oneshot recv of an ended one", [&, &rx = ended] { (void)rx.recv(); }},
            {"oneshot wait_closed", [&, &tx = never] { (void)tx.wait_closed(expired); }},
            {"oneshot wait_closed of a closed one", [&, &tx = gone] { (void)tx.wait_closed(); }},
            {"broadcast recv", [&, &rx = rx] { (void)rx.recv(expired); }},
            {"broadcast send", [&, &tx = tx] { (void)tx.send(2, expired); }},
            {"watch changed", [&, &seen = seen] { (void)seen.changed(expired); }},
            {"monitor try_recv", [&] { (void)nobody.try_recv(); }},
            {"monitor recv", [&] { (void)nobody.recv(); }},
            {"condition wait",
             [&] {
               std::unique_lock lock(m);
               (void)c.wait(lock, expired);
             }},
        });
      },
      1);
}

TEST_CASE("selects that need not wait give way, whatever their cases") {
  in_actor(
      [] {
        auto [tx, empty] = weir::channel<int>(1);
        auto [other_tx, other] = weir::channel<int>(1);
        weir::event set, unset;
        set.set();
        auto ended = weir::spawn([] {});
        ended.wait();
        const auto nothing = [](auto&&...) {};
        all_give_way({
            {"otherwise", [&, &rx = empty] { weir::select(weir::on_recv(rx, nothing), weir::otherwise([] {})); }},
            {"otherwise of two",
             [&, &a = empty, &b = other] {
               weir::select(weir::on_recv(a, nothing), weir::on_recv(b, nothing), weir::otherwise([] {}));
             }},
            {"otherwise of none",
             [&, &rx = empty] { weir::select(weir::on_recv(rx, nothing).when(false), weir::otherwise([] {})); }},
            {"otherwise of an event", [&] { weir::select(weir::on_set(unset, [] {}), weir::otherwise([] {})); }},
            {"after", [&, &rx = empty] { weir::select(weir::on_recv(rx, nothing), weir::after(0ms, [] {})); }},
            {"on_set", [&, &rx = empty] { weir::select(weir::on_recv(rx, nothing), weir::on_set(set, [] {})); }},
            {"on_exit", [&] { weir::select(weir::on_exit(ended, [] {})); }},
        });
      },
      1);
}
