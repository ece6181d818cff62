// The roles of bench/socket/load.cc with weir's message sockets.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bench/net/side.h"
#include "bench/socket/messages.h"
#include "weir/net/message.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/net/socket/push_pull.h"
#include "weir/net/socket/req_rep.h"
#include "weir/weir.h"

namespace {

using namespace std::chrono_literals;
using namespace weir::net;
using bench::task;

constexpr std::size_t subscribers = 10;

template <class Socket>
void send_all(const task& t, Socket& out) {
  std::vector<std::byte> bytes(t.size);
  for (std::int64_t i = 0; i < t.all(); ++i) {
    bench::stamp(bytes.data(), bytes.size(), i);
    if (!out.send(message(bytes))) return;
  }
  out.close(60s);  // until the other side has read everything
}

template <class Socket>
void receive_all(Socket& in, bench::arrivals& arrived, std::size_t receiver) {
  while (const auto m = in.recv())
    if (arrived.got(receiver, m->front().data(), m->bytes())) return;
}

void pull(const task& t) {
  pull_socket in;
  bench::say_port(in.bind(t.endpoint()));
  bench::arrivals arrived(t, 1);
  receive_all(in, arrived, 0);
}

void push(const task& t) {
  push_socket out({.connect = t.endpoint()});
  send_all(t, out);
}

void inproc_push_pull(const task& t) {
  pull_socket in({.bind = "inproc://push_pull"});
  push_socket out({.connect = "inproc://push_pull"});
  bench::arrivals arrived(t, 1);
  weir::with_scope([&](weir::scope& s) {
    s.spawn("push", [&] { send_all(t, out); });
    receive_all(in, arrived, 0);
  });
}

void pub(const task& t) {
  pub_socket out({.slow = slow_subscriber::block});
  bench::say_port(out.bind(t.endpoint()));
  out.wait_subscribers(subscribers);
  send_all(t, out);
}

void sub(const task& t) {
  std::vector<sub_socket> in;
  for (std::size_t i = 0; i < subscribers; ++i)
    in.emplace_back(socket_options{.connect = t.endpoint(), .subscribe = ""});
  bench::arrivals arrived(t, subscribers);
  weir::with_scope([&](weir::scope& s) {
    for (std::size_t i = 0; i < subscribers; ++i) s.spawn("sub", [&, i] { receive_all(in[i], arrived, i); });
  });
}

void answer(rep_socket& at) {
  for (weir::net::request& q : at) q.reply(std::move(q.body()));
}

void rep(const task& t) {
  rep_socket at;
  bench::say_port(at.bind(t.endpoint()));
  answer(at);
}

void ask(const task& t, req_socket& of) {
  std::vector<std::byte> bytes(t.size);
  bench::round_trips(t, [&](std::int64_t i) {
    bench::stamp(bytes.data(), bytes.size(), i);
    const auto answered = of.request(message(bytes));
    if (!answered) throw std::runtime_error("no answer");
    bench::require_message(answered->front().data(), answered->bytes(), t.size, i);
  });
}

void req(const task& t) {
  req_socket of({.connect = t.endpoint()});
  ask(t, of);
}

void req_rep(const task& t) {
  rep_socket at;
  req_socket of({.connect = at.bind(t.endpoint())});
  weir::with_scope([&](weir::scope& s) {
    s.spawn("rep", [&] { answer(at); });
    ask(t, of);
    s.cancel();
  });
}

struct role {
  const char* name;
  void (*run)(const task&);
};
constexpr role roles[] = {{"pull", pull}, {"push", push},      {"inproc_push_pull", inproc_push_pull},
                          {"pub", pub},   {"sub", sub},        {"rep", rep},
                          {"req", req},   {"req_rep", req_rep}};

}  // namespace

int main(int argc, char** argv) {
  const task t(argc, argv);
  for (const role& r : roles) {
    if (t.role != r.name) continue;
    weir::run({.workers = t.workers}, [&] { r.run(t); });
    bench::wait_for_the_end();
  }
  return 2;
}
