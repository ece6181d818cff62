// A peer that is libzmq, in a Python of its own, for actors: its pieces of program run while weir's sockets do theirs.
//
// Thread-safety: one actor.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "weir/net/io_result.h"
#include "weir/net/process/process.h"

namespace testing {

class zmq_peer {
 public:
  zmq_peer()
      : python_({.program = "/usr/bin/python3",
                 .arguments = {"-I", "tests/net/socket/zmq_peer.py"},
                 .input = weir::net::stdio::pipe(),
                 .output = weir::net::stdio::pipe()}) {}

  // It runs this, in the namespace of zmq_peer.py, when it has done what came before.
  void start(const std::string& code) {
    REQUIRE(python_.input().write_all(std::to_string(code.size()) + "\n" + code).status == weir::net::io_status::ok);
  }
  // What the next piece that was started has said; parks until it has ended. Fails if something went wrong there.
  std::string result() {
    std::string line;
    const auto got = python_.output().read_until(line, "\n", 1 << 20);
    if (got.status != weir::net::io_status::ok) FAIL("the peer has ended");
    line.pop_back();
    if (line.starts_with('!')) FAIL(line);
    return line;
  }
  std::string run(const std::string& code) {
    start(code);
    return result();
  }

  weir::net::process& process() noexcept { return python_; }

 private:
  weir::net::process python_;
};

}  // namespace testing
