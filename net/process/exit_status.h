// weir::net::exit_status: how a process ended.
//
// Thread-safety: a value.
#pragma once

#include <string>

namespace weir::net {

struct exit_status {
  int code = 0;    // what it gave to exit(); 0 if a signal ended it
  int signal = 0;  // what ended it; 0 if it ended by itself
  bool core_dumped = false;

  // It ended by itself, with 0.
  bool ok() const noexcept { return code == 0 && signal == 0; }
  // As a shell says it: the code, or 128 + the signal.
  int shell_status() const noexcept { return signal != 0 ? 128 + signal : code; }
  // "exit status 3", "killed by SIGSEGV (core dumped)".
  std::string text() const;

  friend bool operator==(const exit_status&, const exit_status&) = default;
};

}  // namespace weir::net
