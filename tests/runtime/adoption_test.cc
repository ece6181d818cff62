// What waits at a worker whose actor computes: its descriptors, timers and loop are looked after by another worker.
// But for the first, none of these tests measures time: the actor that computes goes on until the others have done what
// it would hold up.
#include "weir/runtime/internal/adoption.h"

#include <uv.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/runtime/descriptors.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/worker.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"
#include "weir/runtime/wait_fd.h"

using namespace std::chrono_literals;
using namespace testing;
using weir::internal::current_worker;
using weir::internal::loop_request;
using weir::internal::worker;

namespace {

constexpr int two = 2;

// Keeps its worker until `over()`, at most for a minute.
template <class Over>
void compute_until(Over over) {
  const auto limit = std::chrono::steady_clock::now() + 60s;
  while (!over() && std::chrono::steady_clock::now() < limit) {
  }
  EXPECT(over());
}

// Has `d` join the set of worker `index`.
void join_on(int index, const descriptor& d) {
  weir::spawn("joins",
              [&] {
                char one;
                EXPECT(read_some(d, &one, 1, 1ms).how == wait_result::timeout);
              },
              {.pinned = index})
      .join();
}

// A plain thread that sends a byte to `fd` and waits for it to come back, again and again.
class client {
 public:
  explicit client(int fd) : fd_(fd), thread_([this] { run(); }) {}
  ~client() {
    over_ = true;
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  int trips() const { return trips_; }

 private:
  void run() {
    for (char byte = 0; !over_; ++byte) {
      char back = 0;
      if (write(fd_, &byte, 1) != 1 || read(fd_, &back, 1) != 1) return;
      EXPECT(back == byte);
      ++trips_;
    }
  }

  const int fd_;
  std::atomic<bool> over_{false};
  std::atomic<int> trips_{0};
  std::thread thread_;
};

void echo(const descriptor& d) {
  char buffer[64];
  for (;;) {
    const transfer t = read_some(d, buffer, sizeof buffer);
    if (t.bytes == 0 || !write_all(d, {buffer, t.bytes})) return;
  }
}

fd_pair sockets_for_a_client() {
  const fd_pair p = sockets();
  fcntl(p.b, F_SETFL, fcntl(p.b, F_GETFL) & ~O_NONBLOCK);
  return p;
}

// Runs `f` on the native stack of `w`, whoever that is done by.
template <class F>
struct request : loop_request {
  explicit request(F g) : f(std::move(g)) {
    run = [](loop_request& self, worker& w) {
      auto& mine = static_cast<request&>(self);
      mine.f(w);
      mine.done = true;
    };
  }
  F f;
  std::atomic<bool> done{false};
};

}  // namespace

TEST_CASE("sockets of a worker whose actor computes are served by another worker") {
  constexpr int connections = 4, trips = 1000;
  in_actor(
      [] {
        std::vector<descriptor> served;
        std::vector<std::unique_ptr<client>> clients;
        std::vector<int> others;
        for (int i = 0; i < connections; ++i) {
          const fd_pair p = sockets_for_a_client();
          join_on(0, served.emplace_back(p.a, descriptor::kind::bytes));
          others.push_back(p.b);
        }
        weir::with_scope([&](weir::scope& s) {
          for (const descriptor& d : served) s.spawn("echo", [&] { echo(d); });
          s.spawn("hog",
                  [&] {
                    for (const int fd : others) clients.push_back(std::make_unique<client>(fd));
                    const auto end = std::chrono::steady_clock::now() + 2s;
                    compute_until([&] { return std::chrono::steady_clock::now() >= end; });
                    int sum = 0;
                    for (const auto& c : clients) sum += c->trips();
                    EXPECT(sum >= trips);
                    clients.clear();
                  },
                  {.pinned = 0});
        });
      },
      two);
}

TEST_CASE("a deadline that is set while the adopter sleeps is kept") {
  in_actor(
      [] {
        request first([](worker&) {});
        std::atomic<bool> awake{false};
        weir::with_scope([&](weir::scope& s) {
          s.spawn("sleeper", [&] {
            auto& here = current_worker();
            here.runtime().scheduler().post(here.seat(), first);
            compute_until([&] { return first.done.load(); });  // so another worker has adopted this one
            const auto settled = std::chrono::steady_clock::now() + 5ms;
            compute_until([&] { return std::chrono::steady_clock::now() > settled; });  // and sleeps by now
            s.spawn("hog", [&] { compute_until([&] { return awake.load(); }); }, {.pinned = here.index()});
            weir::this_actor::sleep(20ms);
            awake = true;
          });
        });
      },
      two);
}

TEST_CASE("a scope's deadline that is set in the same turn while the adopter sleeps is kept") {
  in_actor(
      [] {
        request first([](worker&) {});
        auto& here = current_worker();
        here.runtime().scheduler().post(here.seat(), first);
        compute_until([&] { return first.done.load(); });  // so another worker has adopted this one
        const auto settled = std::chrono::steady_clock::now() + 20ms;
        compute_until([&] { return std::chrono::steady_clock::now() > settled; });  // and sleeps by now
        for (int i = 0; i < 3; ++i) {
          weir::within(1ms, [&] { compute_until([&] { return weir::this_actor::cancel_requested(); }); });
          const auto later = std::chrono::steady_clock::now() + 5ms;
          compute_until([&] { return std::chrono::steady_clock::now() > later; });
        }
      },
      two);
}

TEST_CASE("a timer of the loop that an adopter starts while the worker falls asleep is kept") {
  in_actor(
      [] {
        uv_timer_t timer;
        std::atomic<bool> computes{false}, taken{false}, fired{false};
        timer.data = &fired;
        // The first use of this loop, which until then the worker does not ask for a timer.
        request start([&](worker& w) {
          const auto turn = w.seat().turns.load();
          taken = true;
          while (w.running() != nullptr || w.seat().turns.load() == turn) std::this_thread::yield();
          std::this_thread::sleep_for(20ms);  // by then it has found that there is none, as a rule
          uv_update_time(w.loop());
          uv_timer_init(w.loop(), &timer);
          uv_timer_start(
              &timer, [](uv_timer_t* t) { *static_cast<std::atomic<bool>*>(t->data) = true; }, 20, 0);
        });
        request stop([&](worker&) { uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr); });
        weir::with_scope([&](weir::scope& s) {
          s.spawn("hog",
                  [&] {
                    computes = true;
                    compute_until([&] { return taken.load(); });
                  },
                  {.pinned = 0});
          s.spawn("other",
                  [&] {
                    eventually([&] { return computes.load(); });
                    worker& first = current_worker().runtime().worker_at(0);
                    first.runtime().scheduler().post(first.seat(), start);
                    eventually([&] { return start.done.load(); });
                    compute_until([&] { return fired.load(); });  // so that only the first worker can see to it
                    first.runtime().scheduler().post(first.seat(), stop);
                    eventually([&] { return stop.done.load(); });
                  },
                  {.pinned = 1});
        });
      },
      two);
}

TEST_CASE("an adopter whose actors compute looks after the other all the same, at each of its turns") {
  in_actor(
      [] {
        constexpr std::size_t bytes = 10;
        std::vector<fd_pair> pairs;
        std::vector<descriptor> read;
        std::vector<std::atomic<bool>> came(bytes);
        for (std::size_t i = 0; i < bytes; ++i) {
          pairs.push_back(sockets());
          join_on(0, read.emplace_back(pairs[i].a));
        }
        std::atomic<bool> computes{false}, over{false};
        request adopted([](worker&) {});
        weir::with_scope([&](weir::scope& s) {
          for (std::size_t i = 0; i < bytes; ++i) s.spawn("reader", [&, i] { came[i] = read_text(read[i]) == "x"; });
          s.spawn("hog", [&] { compute_until([&] { return computes = true, over.load(); }); }, {.pinned = 0});
          s.spawn("adopter",
                  [&] {
                    auto& runtime = current_worker().runtime();
                    // As long as it takes the watchdog to have looked at this worker once in its course.
                    const auto turn = [&] {
                      const auto before = runtime.watchdog().looks();
                      compute_until([&] { return runtime.watchdog().looks() >= before + 2; });
                      weir::this_actor::yield();
                    };
                    eventually([&] { return computes.load(); });
                    runtime.scheduler().post(runtime.worker_at(0).seat(), adopted);
                    while (!adopted.done) turn();
                    for (std::size_t i = 0; i < bytes; ++i) {
                      EXPECT(write(pairs[i].b, "x", 1) == 1);
                      int turns = 0;
                      for (; !came[i] && turns < 1000; ++turns) turn();
                      EXPECT(turns < 20);  // without the watchdog: 30 on average
                    }
                    over = true;
                  },
                  {.pinned = 1});
        });
        for (const fd_pair& p : pairs) close(p.b);
      },
      two);
}

TEST_CASE("what came before the deadline is read, though all workers computed until after it") {
  in_actor(
      [] {
        constexpr int readers = 100;  // more than the kernel tells at once
        for (auto span = 50ms;; span *= 2) {
          std::vector<fd_pair> own, foreign;
          std::vector<descriptor> read;
          for (int i = 0; i < readers; ++i) {
            join_on(0, read.emplace_back(own.emplace_back(sockets()).a));
            foreign.push_back(sockets());
          }
          const auto limit = std::chrono::steady_clock::now() + span;
          std::atomic<int> began{0}, ended{0}, came{0};
          std::atomic<bool> computes{false}, in_time{false};
          const auto begin_there = [&] {
            weir::internal::current_actor()->move_to(current_worker().runtime().worker_at(0));  // for its timers
            ++began;
          };
          weir::with_scope([&](weir::scope& s) {
            for (const descriptor& d : read)
              s.spawn("reader", [&] {
                begin_there();
                came += read_text(d, limit) == "x";
                ++ended;
              });
            for (const fd_pair& p : foreign)
              s.spawn("waiter", [&, fd = p.a] {
                begin_there();
                came += weir::wait_fd(fd, weir::fd_event::readable, limit);
                ++ended;
              });
            eventually([&] { return began == 2 * readers; });
            s.spawn("hog", [&] { compute_until([&] { return computes = true, ended == 2 * readers; }); },
                    {.pinned = 0});
            s.spawn("writer",
                    [&] {
                      eventually([&] { return computes.load(); });
                      for (const auto* pairs : {&own, &foreign})
                        for (const fd_pair& p : *pairs) EXPECT(write(p.b, "x", 1) == 1);
                      in_time = std::chrono::steady_clock::now() < limit;
                      compute_until([&] { return std::chrono::steady_clock::now() > limit + 1ms; });
                    },
                    {.pinned = 1});
          });
          for (const fd_pair& p : own) close(p.b);
          for (const fd_pair& p : foreign) close(p.a), close(p.b);
          if (!in_time) continue;  // the machine is too slow for that: again, with more time
          CHECK(came == 2 * readers);
          return;
        }
      },
      two);
}

TEST_CASE("with adoption switched off nobody serves them, and they are served when the actor is done") {
  weir::runtime r({.workers = two});
  r.core().watchdog().adopt(false);
  r.run([] {
    const fd_pair p = sockets_for_a_client();
    descriptor d(p.a, descriptor::kind::bytes);
    join_on(0, d);
    weir::with_scope([&](weir::scope& s) {
      std::unique_ptr<client> c;
      s.spawn("echo", [&] { echo(d); });
      s.spawn("hog",
              [&] {
                c = std::make_unique<client>(p.b);
                std::this_thread::sleep_for(2s);
                EXPECT(c->trips() == 0);
              },
              {.pinned = 0})
          .join();
      eventually([&] { return c->trips() > 0; });
      c.reset();
    });
  });
  check_expectations();
}

TEST_CASE("timers of a worker whose actor computes are served by another worker") {
  in_actor(
      [] {
        constexpr int sleepers = 100;
        std::atomic<int> asleep{0}, awake{0};
        weir::with_scope([&](weir::scope& s) {
          for (int i = 0; i < sleepers; ++i)
            s.spawn([&, i] {
              worker& first = current_worker().runtime().worker_at(0);
              weir::internal::current_actor()->move_to(first);
              ++asleep;
              weir::this_actor::sleep(20ms + i * 100us);
              ++awake;
            });
          eventually([&] { return asleep == sleepers; });
          s.spawn("hog", [&] { compute_until([&] { return awake == sleepers; }); }, {.pinned = 0});
        });
      },
      two);
}

TEST_CASE("the loop of a worker whose actor computes is run by another worker, and its requests too") {
  in_actor(
      [] {
        uv_timer_t timer;
        std::atomic<int> fired{0};
        timer.data = &fired;
        request start([&](worker& w) {
          EXPECT(w.index() == 0);
          uv_timer_init(w.loop(), &timer);
          uv_timer_start(
              &timer, [](uv_timer_t* t) { ++*static_cast<std::atomic<int>*>(t->data); }, 2, 2);
        });
        request stop([&](worker&) { uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr); });
        weir::with_scope([&](weir::scope& s) {
          s.spawn("hog",
                  [&] {
                    worker& here = current_worker();
                    here.runtime().scheduler().post(here.seat(), start);
                    compute_until([&] { return fired >= 5; });
                    here.runtime().scheduler().post(here.seat(), stop);
                    compute_until([&] { return stop.done.load(); });
                  },
                  {.pinned = 0});
        });
      },
      two);
}

TEST_CASE("who adopts may get stuck in its turn, and workers may adopt each other") {
  in_actor(
      [] {
        constexpr int connections = 3;
        std::vector<descriptor> served;
        std::vector<std::unique_ptr<client>> clients;
        for (int i = 0; i < connections; ++i) {
          const fd_pair p = sockets_for_a_client();
          join_on(i, served.emplace_back(p.a, descriptor::kind::bytes));
          clients.push_back(std::make_unique<client>(p.b));
        }
        weir::with_scope([&](weir::scope& s) {
          for (const descriptor& d : served) s.spawn("echo", [&] { echo(d); });
          weir::with_scope([&](weir::scope& hogs) {
            for (int i = 0; i < connections; ++i)
              hogs.spawn("hog",
                         [&, i] {
                           // Each for some time, or until its own connection has moved: two or three may stand still at
                           // once.
                           const client& mine = *clients[static_cast<std::size_t>(i)];
                           std::mt19937 random(static_cast<unsigned>(i));
                           for (int n = 0; n < rounds(100); ++n) {
                             const int before = mine.trips();
                             const auto limit =
                                 std::chrono::steady_clock::now() + std::chrono::milliseconds(random() % 12);
                             while (mine.trips() < before + 3 && std::chrono::steady_clock::now() < limit) {
                             }
                             weir::this_actor::sleep(std::chrono::microseconds(random() % 3000));
                           }
                         },
                         {.pinned = i});
          });
          for (const auto& c : clients) {
            const int before = c->trips();
            eventually([&] { return c->trips() > before; });
          }
          clients.clear();
        });
      },
      3);
}

TEST_CASE("a bell that an adopter hears is rung again: no wake of a pinned actor is lost") {
  in_actor(
      [] {
        auto there = weir::channel<int>(0), back = weir::channel<int>(0);
        const fd_pair p = sockets_for_a_client();
        descriptor d(p.a, descriptor::kind::bytes);
        join_on(0, d);
        client busy(p.b);
        weir::with_scope([&](weir::scope& s) {
          s.spawn("echo", [&] { echo(d); });
          s.spawn("pinned",
                  [&, rx = std::move(there.rx), tx = std::move(back.tx)] {
                    std::mt19937 random(11);
                    for (int& v : rx) {
                      // Long enough to be adopted, now and then; then it sleeps, and is called by its bell.
                      const auto limit = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 4000);
                      while (std::chrono::steady_clock::now() < limit) {
                      }
                      tx.send(v);
                    }
                  },
                  {.pinned = 0});
          for (int i = 0; i < rounds(1000); ++i) {
            there.tx.send(i);
            CHECK(back.rx.recv() == i);
            if (i % 3 == 0) weir::this_actor::sleep(200us);
          }
          there.tx.close();
          shutdown(p.b, SHUT_RDWR);
        });
      },
      two);
}
