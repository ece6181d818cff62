#include "weir/channels/pipeline/run_part.h"

#include <utility>

#include "tests/channels/pipelines.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"

using testing::in_actor;
using testing::numbers;

TEST_CASE("a source that waits for an item hears at once that nobody wants more") {
  in_actor([] {
    const auto same = [](int i) { return i; };
    for (const weir::stage_options& options : {weir::stage_options{.buffer = 2}, weir::stage_options{.parallel = 3},
                                               weir::stage_options{.parallel = 3, .order = weir::unordered}}) {
      auto [tx, rx] = weir::channel<int>(16);
      for (const int i : numbers(3)) tx.send(i);
      auto r = weir::from(std::move(rx)) | weir::map(same, options) | weir::take(3) | weir::collect() | weir::execute();
      CHECK(testing::sorted(r.value) == numbers(3));
      CHECK(tx.try_send(1) == weir::send_status::closed);  // its receiver has gone
    }
  });
}
