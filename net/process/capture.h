// weir::net::capture: runs a program to its end and gives what it has printed.
//   auto sorted = weir::net::capture({.program = "sort"}, {.input = "b\na\n"}, 10s);
//
// Thread-safety: all of it. REQUIRES: an actor; misuse on a plain thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "weir/net/process/exit_status.h"
#include "weir/net/process/process_spec.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net {

struct capture_options {
  std::string input = {};  // what the program reads; then the end
  // The most bytes of output, and of errors; more throw net::error (errc::too_long).
  std::size_t most = std::size_t{64} << 20;
  // When the program has ended, others that it has started may still have its output: so long it is read on. What the
  // program itself has written is read in any case.
  std::chrono::nanoseconds linger = std::chrono::milliseconds(100);
};

struct captured {
  exit_status status;
  std::string output;
  std::string errors;  // empty if process_spec.errors is stdio::to_output(): then they are in `output`
};

// Starts `spec`, with pipes for its input, its output and its errors; feeds it and reads both at once, so that none
// waits for the other. Parks until it has ended; its end wakes. The deadline (net::error, errc::timeout), a cancel
// (weir::cancelled) and a failure terminate it first, as the end of its handle does. A program that does not read its
// input is no failure, nor is an exit status other than 0. Throws what starting it throws. Allocates.
captured capture(process_spec spec, const capture_options& options = {}, deadline limit = {});

}  // namespace weir::net
