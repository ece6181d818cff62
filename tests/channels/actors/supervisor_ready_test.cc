// A supervisor that waits for a child to be ready.
#include <atomic>

#include "tests/dump.h"
#include "tests/testing.h"
#include "weir/channels/actors/supervisor.h"
#include "weir/channels/select.h"
#include "weir/runtime/scope.h"

using testing::eventually;
using testing::in_actor;

TEST_CASE(
    "a supervisor that is shut down while it waits for a child's readiness asks that to stop, and starts no more") {
  in_actor([] {
    std::atomic<int> asked{0}, started{0};
    weir::supervisor sup;
    CHECK(sup.add({.name = "never ready",
                   .run = [&](weir::supervised& self) { weir::select(weir::on_stop(self, [&] { ++asked; })); },
                   .awaits_ready = true}));
    CHECK(sup.add({.name = "next", .run = [&](weir::supervised&) { ++started; }}));
    weir::with_scope([&](weir::scope& s) {
      s.spawn("sup", [&] { sup.run(); });
      eventually([] { return testing::waits("never ready", "select"); });
      sup.shutdown();
    });
    CHECK(asked == 1);
    CHECK(started == 0);
  });
}
