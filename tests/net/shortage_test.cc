// What happens when the kernel has nothing left to wait with: no descriptor.
#include <sys/resource.h>

#include "tests/testing.h"
#include "weir/net/tcp.h"
#include "weir/runtime/internal/sanitizer.h"
#include "weir/runtime/scope.h"

using namespace weir;
using net::tcp_listener;
using testing::in_actor;

#if !defined(WEIR_ASAN)  // its checks need a pipe to look at a vptr, and here there is none
TEST_CASE("an accept without descriptors does not take a cancelled scope's close for an end") {
  in_actor(
      [] {
        const tcp_listener listener("127.0.0.1:0");
        rlimit old{};
        REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
        rlimit few = old;
        few.rlim_cur = 3;
        REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
        bool ended = false;
        with_scope([&](scope& s) {
          s.spawn("acceptor", [&] {
            for ([[maybe_unused]] auto& conn : listener) EXPECT(false);
            ended = true;
          });
          testing::eventually([&] { return listener.statistics().starved > 0; });
          // On the only worker: the close is first with the acceptor, and the scope is cancelled when that runs.
          listener.close();
          s.cancel();
        });
        REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
        CHECK_FALSE(ended);
      },
      1);
}
#endif
