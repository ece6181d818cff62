// A deadlock report says where each actor waits: at which line of the program, not of weir.
#include <catch2/catch.hpp>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "tests/testing.h"
#include "weir/channels/actors/mailbox.h"
#include "weir/channels/broadcast.h"
#include "weir/channels/channel.h"
#include "weir/channels/oneshot.h"
#include "weir/channels/select.h"
#include "weir/channels/status.h"
#include "weir/channels/watch.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/runtime.h"
#include "weir/runtime/sync/barrier.h"
#include "weir/runtime/sync/condition.h"
#include "weir/runtime/sync/event.h"
#include "weir/runtime/sync/mutex.h"
#include "weir/runtime/sync/semaphore.h"
#include "weir/runtime/sync/wait_group.h"

namespace {

struct waiting_call {
  std::string what;
  int line;
  std::function<void()> call;
};

// The row of the only actor, which waits in `call`.
std::string row_of(const std::function<void()>& call) {
  try {
    weir::runtime r({.workers = testing::workers()});
    r.run(call);
  } catch (const weir::deadlock& d) {
    const std::string report = d.what();
    const auto begin = report.find("#1 main");
    return report.substr(begin, report.find('\n', begin) - begin);
  }
  return "no deadlock was found";
}

std::string place(int line) { return ", at wait_place_test.cc:" + std::to_string(line); }

}  // namespace

TEST_CASE("the report says at which line of the program each actor waits") {
  auto [tx, rx] = weir::channel<int>(1);
  auto [full, unread] = weir::channel<int>(1);
  REQUIRE(full.try_send(0) == weir::send_status::ok);
  auto [answer, asked] = weir::oneshot<int>();
  auto [news, listener] = weir::broadcast<int>(1, {.block = true});
  auto [setter, watcher] = weir::watch<int>(1);
  weir::mailbox<int> box;
  weir::mailbox<int> small({.capacity = 1});
  REQUIRE(small.address().try_send(1) == weir::send_status::ok);
  std::vector<int> values{1, 2};

  weir::event never;
  weir::semaphore none(0);
  weir::wait_group open;
  open.add();
  weir::barrier two(2);
  weir::mutex m;
  weir::condition silent;

  const std::vector<waiting_call> calls{
      {"send", __LINE__, [&] { full.send(1); }},
      {"send_many", __LINE__, [&] { full.send_many(values); }},
      {"reserve", __LINE__, [&] { (void)full.reserve(); }},
      {"recv", __LINE__, [&] { rx.recv(); }},
      {"recv_many", __LINE__, [&] { rx.recv_many(values, 2); }},
      {"select", __LINE__, [&] { weir::select(weir::on_recv(rx, [](auto) {})); }},
      {"oneshot recv", __LINE__, [&] { asked.recv(); }},
      {"oneshot wait_closed", __LINE__, [&] { answer.wait_closed(); }},
      {"broadcast recv", __LINE__, [&] { (void)listener.recv(); }},
      {"watch", __LINE__, [&] { watcher.changed(); }},
      {"wait_for", __LINE__, [&] { watcher.wait_for([](int v) { return v > 1; }); }},
      {"mailbox recv", __LINE__, [&] { box.recv(); }},
      {"address send", __LINE__, [&] { small.address().send(2); }},
      {"event", __LINE__, [&] { never.wait(); }},
      {"semaphore", __LINE__, [&] { none.acquire(); }},
      {"wait_group", __LINE__, [&] { open.wait(); }},
      {"barrier", __LINE__, [&] { two.arrive_and_wait(); }},
  };
  for (const waiting_call& c : calls) {
    INFO(c.what);
    CHECK_THAT(row_of(c.call), Catch::Contains(place(c.line)));
  }

  // Those that take more than a line.
  const int wait = __LINE__ + 3;
  const auto wait_silently = [&] {
    std::unique_lock lock(m);
    silent.wait(lock);
  };
  CHECK_THAT(row_of(wait_silently), Catch::Contains(place(wait)));
  const int loop = __LINE__ + 2;
  const auto drain = [&, &rx = rx] {
    for (int& value : rx) value = 0;
  };
  CHECK_THAT(row_of(drain), Catch::Contains(place(loop)));
}
