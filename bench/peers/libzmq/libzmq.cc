// The roles of bench/socket/load.cc with libzmq's C interface: a thread for each socket, and one that does its I/O for
// all of them, which is libzmq's default.
#include <zmq.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bench/net/side.h"
#include "bench/socket/messages.h"

namespace {

using bench::task;

constexpr int subscribers = 10;

void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "libzmq: %s: %s\n", what, zmq_strerror(zmq_errno()));
  std::_Exit(1);
}

void* context() {
  static void* const one = zmq_ctx_new();
  return one;
}

// Of one thread; closed with what it has not sent yet still under way.
class zmq_socket_of {
 public:
  explicit zmq_socket_of(int type) : self_(zmq_socket(context(), type)) { check(self_ != nullptr, "zmq_socket"); }
  zmq_socket_of(const zmq_socket_of&) = delete;
  ~zmq_socket_of() { zmq_close(self_); }

  void set(int option, int value) { check(zmq_setsockopt(self_, option, &value, sizeof value) == 0, "zmq_setsockopt"); }
  void subscribe() { check(zmq_setsockopt(self_, ZMQ_SUBSCRIBE, "", 0) == 0, "ZMQ_SUBSCRIBE"); }
  void connect(const std::string& to) { check(zmq_connect(self_, to.c_str()) == 0, "zmq_connect"); }
  std::string bind(const std::string& to) {
    check(zmq_bind(self_, to.c_str()) == 0, "zmq_bind");
    char at[256];
    std::size_t size = sizeof at;
    check(zmq_getsockopt(self_, ZMQ_LAST_ENDPOINT, at, &size) == 0, "ZMQ_LAST_ENDPOINT");
    return at;
  }
  // Copies the bytes.
  void send(const std::vector<char>& bytes) { check(zmq_send(self_, bytes.data(), bytes.size(), 0) >= 0, "zmq_send"); }
  void send(zmq_msg_t& m) { check(zmq_msg_send(&m, self_, 0) >= 0, "zmq_msg_send"); }
  void recv(zmq_msg_t& m) { check(zmq_msg_recv(&m, self_, 0) >= 0, "zmq_msg_recv"); }

 private:
  void* const self_;
};

class zmq_message {
 public:
  zmq_message() { zmq_msg_init(&self_); }
  zmq_message(const zmq_message&) = delete;
  ~zmq_message() { zmq_msg_close(&self_); }
  zmq_msg_t& get() noexcept { return self_; }
  const void* data() noexcept { return zmq_msg_data(&self_); }
  std::size_t size() noexcept { return zmq_msg_size(&self_); }

 private:
  zmq_msg_t self_;
};

void send_all(const task& t, zmq_socket_of& out) {
  std::vector<char> bytes(t.size);
  for (std::int64_t i = 0; i < t.all(); ++i) {
    bench::stamp(bytes.data(), bytes.size(), i);
    out.send(bytes);
  }
}

void receive_all(zmq_socket_of& in, bench::arrivals& arrived, std::size_t receiver) {
  zmq_message m;
  do in.recv(m.get());
  while (!arrived.got(receiver, m.data(), m.size()));
}

void pull(const task& t) {
  zmq_socket_of in(ZMQ_PULL);
  bench::say_port(in.bind(t.endpoint()));
  bench::arrivals arrived(t, 1);
  receive_all(in, arrived, 0);
}

void push(const task& t) {
  zmq_socket_of out(ZMQ_PUSH);
  out.connect(t.endpoint());
  send_all(t, out);
}

void inproc_push_pull(const task& t) {
  zmq_socket_of in(ZMQ_PULL);
  in.bind("inproc://push_pull");
  std::thread push([&] {
    zmq_socket_of out(ZMQ_PUSH);
    out.connect("inproc://push_pull");
    send_all(t, out);
  });
  bench::arrivals arrived(t, 1);
  receive_all(in, arrived, 0);
  push.join();
}

void pub(const task& t) {
  zmq_socket_of out(ZMQ_XPUB);
  out.set(ZMQ_XPUB_NODROP, 1);   // else what a full queue does not take is lost
  out.set(ZMQ_XPUB_VERBOSE, 1);  // else only the first subscription is told
  bench::say_port(out.bind(t.endpoint()));
  zmq_message subscription;
  for (int i = 0; i < subscribers; ++i) out.recv(subscription.get());
  send_all(t, out);
}

void sub(const task& t) {
  bench::arrivals arrived(t, subscribers);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < subscribers; ++i)
    threads.emplace_back([&, i] {
      zmq_socket_of in(ZMQ_SUB);
      in.subscribe();
      in.connect(t.endpoint());
      receive_all(in, arrived, i);
    });
  for (std::thread& each : threads) each.join();
}

[[noreturn]] void answer(zmq_socket_of& at) {
  for (zmq_message m;;) {
    at.recv(m.get());
    at.send(m.get());
  }
}

void rep(const task& t) {
  zmq_socket_of at(ZMQ_REP);
  bench::say_port(at.bind(t.endpoint()));
  answer(at);
}

void req(const task& t) {
  zmq_socket_of of(ZMQ_REQ);
  of.connect(t.endpoint());
  std::vector<char> bytes(t.size);
  zmq_message m;
  bench::round_trips(t, [&](std::int64_t i) {
    bench::stamp(bytes.data(), bytes.size(), i);
    of.send(bytes);
    of.recv(m.get());
    bench::require_message(m.data(), m.size(), t.size, i);
  });
}

void req_rep(const task& t) {
  zmq_socket_of at(ZMQ_REP);
  const std::string endpoint = at.bind(t.endpoint());
  task asker = t;
  asker.port = endpoint.substr(endpoint.rfind(':') + 1);
  std::thread asking([&] { req(asker); });
  answer(at);
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
    r.run(t);
    bench::wait_for_the_end();
  }
  return 2;
}
