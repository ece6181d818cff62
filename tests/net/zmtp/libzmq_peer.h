// A peer that is libzmq, in a Python of its own, and the codec's side of a connection to it: a socket that blocks.
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/net/raw_socket.h"
#include "tests/net/zmtp/wire.h"
#include "weir/net/message.h"
#include "weir/net/zmtp/decoder.h"
#include "weir/net/zmtp/encoder.h"
#include "weir/net/zmtp/handshake.h"

namespace testing {

// Runs a script that knows zmq, `ctx`, `port`, sock(type) and say(text).
class libzmq_script {
 public:
  explicit libzmq_script(const std::string& script, std::uint16_t port = 0) {
    const std::string all =
        "import sys, threading, zmq\nimport zmq.auth.thread, zmq.utils.monitor\nport = " + std::to_string(port) + R"(
ctx = zmq.Context()
def sock(kind):
    s = ctx.socket(kind)
    s.RCVTIMEO = s.SNDTIMEO = s.LINGER = 60_000
    return s
def bind(s):
    say(s.bind_to_random_port('tcp://127.0.0.1'))
def connect(s):
    s.connect(f'tcp://127.0.0.1:{port}')
def say(text):
    print(text, flush=True)
)" + script +
        "\nctx.destroy()\n";
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execl("/usr/bin/python3", "python3", "-I", "-c", all.c_str(), nullptr);
      _exit(127);
    }
    REQUIRE(pid_ > 0);
    close(ends[1]);
    out_ = ends[0];
  }
  libzmq_script(const libzmq_script&) = delete;
  ~libzmq_script() {
    close(out_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  // The next line that it prints.
  std::string line() {
    std::string text;
    for (char c; read(out_, &c, 1) == 1 && c != '\n';) text += c;
    return text;
  }
  std::uint16_t port() { return static_cast<std::uint16_t>(std::stoi(line())); }
  // Waits for its end: 0 if all that it asserted held.
  int status() {
    int how = -1;
    REQUIRE(waitpid(std::exchange(pid_, -1), &how, 0) > 0);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

// So that a test that would hang says where.
inline void give_up_in_time(const raw_socket& s) {
  const timeval limit{.tv_sec = 100, .tv_usec = 0};
  REQUIRE(setsockopt(s.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
}

// Listens, and accepts libzmq.
class libzmq_listener : public raw_socket {
 public:
  libzmq_listener() : raw_socket(raw_socket::listening(16)) { give_up_in_time(*this); }
};

class blocking_connection {
 public:
  using options = weir::net::zmtp::handshake_options;

  blocking_connection(raw_socket s, const options& o)
      : socket_(std::move(s)), handshake_(o), type_(o.type), most_(o.most) {
    give_up_in_time(socket_);
  }

  // Up to done, failed, or the peer's end. `good`: whether credentials are.
  weir::net::zmtp::handshake& shake(const std::function<bool(std::string_view, std::string_view)>& good = {}) {
    using status = weir::net::zmtp::handshake_status;
    std::string rest;
    for (bool open = true; open;) {
      if (!handshake_.output().empty()) {
        // One that has failed tells a peer that may be gone.
        if (handshake_.status() == status::failed)
          static_cast<void>(::send(socket_.fd(), handshake_.output().data(), handshake_.output().size(), MSG_NOSIGNAL));
        else
          socket_.send_all(handshake_.output());
        handshake_.sent(handshake_.output().size());
      }
      if (handshake_.status() == status::credentials) {
        if (good(handshake_.username(), handshake_.password()))
          handshake_.accept();
        else
          handshake_.deny();
        continue;
      }
      if (handshake_.status() != status::running) break;
      if (rest.empty()) open = receive(rest);
      rest.erase(0, handshake_.feed(rest));
    }
    out = weir::net::zmtp::encoder(handshake_.version());
    in_.emplace(most_, takes_subscriptions(type_), handshake_.offset());
    while (!rest.empty()) rest.erase(0, in_->feed(rest));
    return handshake_;
  }

  // What comes next; `more`: the end.
  wire::event next() {
    weir::net::message m;
    for (;;) {
      const weir::net::zmtp::input kind = in_->next(m);
      if (kind != weir::net::zmtp::input::more) return wire::event_of(kind, m);
      const weir::net::mutable_buffer room = in_->room();
      const ssize_t n = recv(socket_.fd(), room.data(), room.size(), 0);
      if (n <= 0) return {kind};
      received_.append(reinterpret_cast<const char*>(room.data()), static_cast<std::size_t>(n));
      in_->filled(static_cast<std::size_t>(n));
    }
  }
  // The next one that is a message; answers PING.
  std::vector<std::string> message() {
    for (;;) {
      wire::event e = next();
      if (e.kind == weir::net::zmtp::input::message) return e.frames;
      REQUIRE(e.kind == weir::net::zmtp::input::ping);
      out.pong(e.frames[0]);
      flush();
    }
  }
  void send(weir::net::message m) {
    out.add(std::move(m));
    flush();
  }
  void flush() {
    while (!out.empty()) {
      std::vector<iovec> pieces;
      for (const weir::net::const_buffer& b : out.pieces())
        pieces.push_back({const_cast<std::byte*>(b.data()), b.size()});
      msghdr m{};
      m.msg_iov = pieces.data();
      m.msg_iovlen = std::min<std::size_t>(pieces.size(), IOV_MAX);
      const ssize_t n = sendmsg(socket_.fd(), &m, MSG_NOSIGNAL);
      REQUIRE(n > 0);
      out.wrote(static_cast<std::size_t>(n));
    }
  }

  const weir::net::zmtp::decoder& in() const { return *in_; }
  const std::string& received() const { return received_; }  // after the handshake
  weir::net::zmtp::encoder out;

 private:
  bool receive(std::string& into) {
    char part[64 * 1024];
    const ssize_t n = recv(socket_.fd(), part, sizeof part, 0);
    if (n > 0) into.assign(part, static_cast<std::size_t>(n));
    return n > 0;
  }

  raw_socket socket_;
  weir::net::zmtp::handshake handshake_;
  weir::net::zmtp::socket_type type_;
  weir::net::zmtp::limits most_;
  std::optional<weir::net::zmtp::decoder> in_;
  std::string received_;
};

}  // namespace testing
