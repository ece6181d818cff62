// raw_switch: jumps between two stacks and nothing else. N: jumps.
#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <vector>

#include "bench/harness/workload.h"

namespace {

namespace context = boost::context::detail;

void echo(context::transfer_t from) {
  for (;;) from = context::jump_fcontext(from.fctx, from.data);
}

void run(const bench::request& r) {
  std::vector<char> stack(std::size_t{64} << 10);
  context::transfer_t t{context::make_fcontext(stack.data() + stack.size(), stack.size(), echo), nullptr};
  std::int64_t jumps = 0;
  bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) {
                       for (jumps = 0; jumps < n; jumps += 2) t = context::jump_fcontext(t.fctx, nullptr);
                     }));
  bench::require_sum(r, "whether it came back", t.fctx != nullptr, 1);
}

const bench::workload registered("raw_switch", run);

}  // namespace
