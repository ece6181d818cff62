// weir::net::process_spec: what to start, and how: everything that a child process gets from its parent.
//
// Thread-safety: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace weir::net {

// Where one of a child's three standard descriptors leads.
class stdio {
 public:
  enum class kind : std::uint8_t { inherit, null, pipe, descriptor, output };

  static constexpr stdio inherit() noexcept { return stdio(kind::inherit, -1); }  // where the parent's leads
  static constexpr stdio null() noexcept { return stdio(kind::null, -1); }        // /dev/null
  static constexpr stdio pipe() noexcept { return stdio(kind::pipe, -1); }        // to the parent, as a stream
  // To what `fd` is open for: a file, a socket. It stays the caller's, and is open until the child has started.
  static constexpr stdio to(int fd) noexcept { return stdio(kind::descriptor, fd); }
  // For the errors: to where the output goes (2>&1).
  static constexpr stdio to_output() noexcept { return stdio(kind::output, -1); }

  kind what() const noexcept { return what_; }
  int fd() const noexcept { return fd_; }

 private:
  constexpr stdio(kind what, int fd) noexcept : what_(what), fd_(fd) {}

  kind what_;
  int fd_;
};

struct process_spec {
  // A path, if it has a '/'; else looked for in the parent's PATH. No shell sees it, nor the arguments.
  std::string program;
  std::vector<std::string> arguments = {};  // without the program's name, which comes first by itself
  // "NAME=VALUE". Left out: the parent's.
  std::optional<std::vector<std::string>> environment = {};
  // "NAME=VALUE", put over the above.
  std::vector<std::string> variables = {};
  // Where it starts; empty: where the parent is. A relative `program` is looked up from there.
  std::filesystem::path directory = {};

  stdio input = stdio::null();
  stdio output = stdio::inherit();
  stdio errors = stdio::inherit();

  // The child leads a process group of its own: signals from the terminal (Ctrl-C) do not reach it, and kill() and the
  // end of the handle reach what it has started itself, too, unless that has left the group. When its end is seen, what
  // is left of the group is killed.
  bool own_group = false;
  // How long terminate(), and the end of the handle, wait between SIGTERM and SIGKILL.
  std::chrono::nanoseconds grace = std::chrono::seconds(5);
};

}  // namespace weir::net
