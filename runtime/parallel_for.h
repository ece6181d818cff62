// weir::parallel_for: calls a function for each element of a range, on all threads of a pool.
//
// Thread-safety: all of it; f is called by several threads at once.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <ranges>
#include <type_traits>

#include "weir/runtime/base/site.h"
#include "weir/runtime/cpu_pool.h"
#include "weir/runtime/internal/parallel_loop.h"

namespace weir {

struct parallel_options {
  cpu_pool* pool = nullptr;  // left out: the pool of the caller's runtime
  // Elements that a thread takes at once. 0: an eighth of a thread's even share, at least 1. What costs less than a
  // microsecond each wants thousands.
  std::size_t grain = 0;
};

// Calls f(element) for each element, in chunks, and parks until that is done. The range must be random access and
// sized (std::views::iota(0, n) is); it is not copied.
//
// The first exception ends it: no chunk is begun any more, those that run stop before their next element, and it is
// rethrown when they have. A cancel does the same, and weir::cancelled is thrown; if all chunks had been begun by then,
// they are finished, and the cancel arrives at the next park. Throws actor_cancelled if the caller unwinds in a
// cancelled scope and not all was done, or if the pool ended.
//
// On a plain thread the caller takes chunks as well; without `pool` it takes them all. So it may be called in a job of
// the same pool.
template <class Range, class F>
void parallel_for(Range&& range, F&& f, const parallel_options& options = {}, site where = site::current()) {
  static_assert(
      std::ranges::random_access_range<Range> && std::ranges::sized_range<Range>,
      "weir::parallel_for: the range must be random access and sized, as std::vector or std::views::iota(0, n)");
  static_assert(std::is_invocable_v<F&, std::ranges::range_reference_t<Range>>,
                "weir::parallel_for: f must take an element of the range");
  struct elements final : internal::parallel_loop {
    elements(Range& r, F& g, std::size_t grain)
        : parallel_loop(static_cast<std::size_t>(std::ranges::size(r)), grain), range_(r), f_(g) {}
    void run_chunk(std::size_t first, std::size_t last) override {
      using difference = std::ranges::range_difference_t<Range>;
      auto i = std::ranges::begin(range_) + static_cast<difference>(first);
      for (std::size_t n = first; n < last && !stopped(); ++n, ++i) std::invoke(f_, *i);
    }
    Range& range_;
    F& f_;
  } loop(range, f, options.grain);
  loop.run(options.pool != nullptr ? &options.pool->jobs() : nullptr, where);
}

}  // namespace weir
