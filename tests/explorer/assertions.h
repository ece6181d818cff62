// What the tests under the explorer share: run a program under a bound, say how much was explored, and hold it against
// a claim.
#pragma once

#include <catch2/catch.hpp>
#include <functional>

#include "tests/explorer/explorer.h"

namespace simulated {

// Whether objects must not be destroyed under their users; for programs that keep what they destroy mapped, and whose
// lifetimes hang on nothing but atomics (explorer::options).
enum class lifetimes : bool { unchecked, checked };

inline explorer::result explore(int preemptions, const std::function<void(explorer::run&)>& set_up,
                                lifetimes l = lifetimes::unchecked) {
  const explorer::result r =
      explorer::explore({.preemptions = preemptions, .lifetimes = l == lifetimes::checked}, set_up);
  WARN(r.runs << " interleavings, preemption bound " << (preemptions == explorer::unbounded ? -1 : preemptions)
              << (r.exhausted ? ", all of them"
                  : r.failed  ? ", until the failure"
                              : ", not all"));
  return r;
}

// Every interleaving within the bound is explored, and none fails.
inline void must_hold(int preemptions, const std::function<void(explorer::run&)>& set_up,
                      lifetimes l = lifetimes::unchecked) {
  const explorer::result r = explore(preemptions, set_up, l);
  INFO(r.text());
  CHECK_FALSE(r.failed);
  CHECK(r.exhausted);
}

// Some interleaving within the bound fails, with `text` in its message: for programs with a planted bug.
inline void must_fail(const char* text, int preemptions, const std::function<void(explorer::run&)>& set_up,
                      lifetimes l = lifetimes::unchecked) {
  const explorer::result r = explore(preemptions, set_up, l);
  INFO(r.text());
  CHECK(r.failed);
  CHECK_THAT(r.message, Catch::Contains(text));
}

}  // namespace simulated
