// The worker's epoll set with a libuv loop as a member: handles of several kinds work, though the worker sleeps
// elsewhere.
#include <uv.h>

#include <atomic>
#include <string>

#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/runtime/internal/runtime_core.h"
#include "weir/runtime/internal/worker.h"
#include "weir/runtime/this_actor.h"

using namespace std::chrono_literals;
using namespace weir::internal;

namespace {

// Runs `f(worker)` on the native stack of the runtime's first worker.
template <class F>
void on_loop(weir::runtime& r, F f) {
  struct request : loop_request {
    F f;
    std::atomic<bool> done{false};
    explicit request(F g) : f(std::move(g)) {
      run = [](loop_request& self, worker& w) {
        auto& mine = static_cast<request&>(self);
        mine.f(w);
        mine.done = true;
      };
    }
  } q(std::move(f));
  r.core().scheduler().post(r.core().worker_at(0).seat(), q);
  while (!q.done) std::this_thread::yield();
}

}  // namespace

TEST_CASE("a libuv timer fires on a worker that sleeps") {
  weir::runtime r({.workers = 1});
  auto [tx, rx] = weir::channel<int>(4);
  uv_timer_t timer;
  timer.data = &tx;
  on_loop(r, [&](worker& w) {
    uv_timer_init(w.loop(), &timer);
    uv_timer_start(
        &timer, [](uv_timer_t* t) { static_cast<weir::sender<int>*>(t->data)->try_send(1); }, 3, 3);
  });
  for (int i = 0; i < 4; ++i) CHECK(rx.recv() == 1);
  on_loop(r, [&](worker&) { uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr); });
}

TEST_CASE("a libuv timer fires on a worker that is busy, and while an actor parks and wakes") {
  weir::runtime r({.workers = 1});
  auto [tx, rx] = weir::channel<int>(1);
  uv_timer_t timer;
  timer.data = &tx;
  on_loop(r, [&](worker& w) {
    uv_timer_init(w.loop(), &timer);
    uv_timer_start(
        &timer, [](uv_timer_t* t) { static_cast<weir::sender<int>*>(t->data)->try_send(1); }, 2, 0);
  });
  r.run([rx = rx] { testing::eventually([&] { return bool(rx.try_recv()); }); });
  on_loop(r, [&](worker&) { uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr); });
}

TEST_CASE("a process's exit and the file pool's answer come through the loop of a sleeping worker") {
  weir::runtime r({.workers = 1});
  auto [tx, rx] = weir::channel<long>(2);
  uv_process_t process;
  uv_fs_t stat;
  process.data = stat.data = &tx;
  on_loop(r, [&](worker& w) {
    char program[] = "/bin/sh", flag[] = "-c", script[] = "exit 7";
    char* arguments[] = {program, flag, script, nullptr};
    uv_process_options_t options{};
    options.file = program;
    options.args = arguments;
    options.exit_cb = [](uv_process_t* p, std::int64_t status, int) {
      static_cast<weir::sender<long>*>(p->data)->try_send(status);
      uv_close(reinterpret_cast<uv_handle_t*>(p), nullptr);
    };
    CHECK(uv_spawn(w.loop(), &process, &options) == 0);
  });
  CHECK(rx.recv() == 7);
  on_loop(r, [&](worker& w) {
    uv_fs_stat(w.loop(), &stat, "/bin/sh", [](uv_fs_t* s) {
      static_cast<weir::sender<long>*>(s->data)->try_send(static_cast<long>(s->result));
      uv_fs_req_cleanup(s);
    });
  });
  CHECK(rx.recv() == 0);
}

TEST_CASE("a libuv timer started after a long idle time counts from then") {
  weir::runtime r({.workers = 1});
  auto [tx, rx] = weir::channel<int>(1);
  CHECK(rx.recv(300ms).status() == weir::recv_status::timeout);  // the loop's own clock stands still meanwhile
  uv_timer_t timer;
  timer.data = &tx;
  const auto begin = std::chrono::steady_clock::now();
  on_loop(r, [&](worker& w) {
    uv_timer_init(w.loop(), &timer);
    uv_timer_start(
        &timer, [](uv_timer_t* t) { static_cast<weir::sender<int>*>(t->data)->try_send(1); }, 100, 0);
  });
  CHECK(rx.recv() == 1);
  CHECK(std::chrono::steady_clock::now() - begin >= 99ms);  // libuv rounds to milliseconds
  on_loop(r, [&](worker&) { uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr); });
}

TEST_CASE("an event of an unreferenced handle is served") {
  weir::runtime r({.workers = 1});
  auto [tx, rx] = weir::channel<int>(1);
  uv_async_t async;
  async.data = &tx;
  on_loop(r, [&](worker& w) {
    uv_async_init(w.loop(), &async, [](uv_async_t* a) { static_cast<weir::sender<int>*>(a->data)->try_send(1); });
    uv_unref(reinterpret_cast<uv_handle_t*>(&async));
  });
  uv_async_send(&async);
  CHECK(rx.recv() == 1);
}

TEST_CASE("handles that are left open are closed when the runtime ends") {
  uv_timer_t timer;
  {
    weir::runtime r({.workers = 1});
    on_loop(r, [&](worker& w) {
      uv_timer_init(w.loop(), &timer);
      uv_timer_start(
          &timer, [](uv_timer_t*) {}, 1'000'000, 0);
    });
  }
  CHECK(uv_is_closing(reinterpret_cast<uv_handle_t*>(&timer)));
}
