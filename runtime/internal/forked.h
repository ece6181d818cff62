// fork(): the child has a copy of all that its parent had of weir, but none of the threads that make it go.
//
// So a runtime, its actors and channels work only in the process that made them. Each keeps a mark; the first use in a
// child that could not end (spawn, join, a wake, a wait) is refused with a sentence instead of waiting for ever. fork()
// followed by exec or _exit touches none of it. A child may start anew with weir::run on what was a plain thread.
//
// Thread-safety: all of it. The count changes only in the handler of fork(), in a child that has one thread.
#pragma once

#include <cstdint>
#include <string>

#include "weir/runtime/base/site.h"

namespace weir::internal {

// How many fork()s lie between the first process that had a runtime and this one. process.cc counts.
inline std::uint32_t forks = 0;

// Where an object was made.
class process_mark {
 public:
  // This process is a child of the one that made the object.
  bool foreign() const noexcept { return made_in_ != forks; }

 private:
  std::uint32_t made_in_ = forks;
};

// `what`: what was used, `actor "x" (#3)`.
[[noreturn]] void throw_forked(const char* call, const std::string& what, site where);
[[noreturn]] void abort_forked(const char* call, const std::string& what, site where) noexcept;

}  // namespace weir::internal
