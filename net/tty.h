// Terminals: their size, and the mode in which every key comes at once.
//   terminal_size(1)      columns and rows; empty if it is no terminal
//   raw_mode keys(0);     until it goes
// Bytes are read and written as of any stream: standard_input(), or adopt() (pipe.h). A new size comes as
// on_signal(SIGWINCH, ...).
//
// Thread-safety: of free functions; raw_mode none.
#pragma once

#include <termios.h>

#include <optional>

namespace weir::net {

struct terminal_extent {
  int columns, rows;
};
// Does not park. Throws net::error if the descriptor is none.
std::optional<terminal_extent> terminal_size(int fd);

// Puts a terminal into raw mode, and back into the mode it was in when the object goes: also when its actor is
// cancelled, as by Ctrl-C or SIGTERM. In raw mode Ctrl-C is a byte (3) like others, unless `signals`. A process that is
// killed leaves its terminal raw; `reset` in the shell helps.
class raw_mode {
 public:
  struct options {
    bool signals = false;  // Ctrl-C, Ctrl-Z and Ctrl-\ still signal
  };

  // Throws net::error: it is no terminal (ENOTTY).
  explicit raw_mode(int fd);
  raw_mode(int fd, options o);
  raw_mode(const raw_mode&) = delete;
  raw_mode& operator=(const raw_mode&) = delete;
  ~raw_mode();

 private:
  const int fd_;
  termios before_;
};

}  // namespace weir::net
