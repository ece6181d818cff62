// The roles of bench/socket/load.cc with nng: a thread for each socket that sends, and nng's own threads, which call
// what takes a message from a PULL or SUB. Nothing is closed before the program is killed: nng_close would lose what is
// on its way.
//
// A PUB loses what a full queue does not take and knows no other way. So that all arrives, as with the other systems,
// the subscribers say how far they are, once in a quarter of a queue, over a second socket.
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/net/side.h"
#include "bench/socket/messages.h"

namespace {

using bench::task;

constexpr std::size_t subscribers = 10;
constexpr int queue = 8192;  // messages: the most that nng takes

void check(int error, const char* what) {
  if (error == 0) return;
  std::fprintf(stderr, "nng: %s: %s\n", what, nng_strerror(error));
  std::_Exit(1);
}

struct free_message {
  void operator()(nng_msg* m) const noexcept { nng_msg_free(m); }
};
using message = std::unique_ptr<nng_msg, free_message>;

std::string endpoint_of(const task& t) { return t.port.empty() ? "tcp://127.0.0.1:0" : t.endpoint(); }
// Where the publisher hears of its subscribers.
std::string progress_of(const std::string& port) { return "abstract://bench-nng-" + port; }

class nng_socket_of {
 public:
  explicit nng_socket_of(int (*open)(nng_socket*)) { check(open(&self_), "open"); }

  nng_socket get() const noexcept { return self_; }
  void set_queue(const char* which) { check(nng_socket_set_int(self_, which, queue), which); }
  void subscribe() { check(nng_socket_set(self_, NNG_OPT_SUB_SUBSCRIBE, "", 0), "subscribe"); }
  void connect(const std::string& to) { check(nng_dial(self_, to.c_str(), nullptr, 0), "nng_dial"); }
  void listen(const std::string& at) { check(nng_listen(self_, at.c_str(), &listener_, 0), "nng_listen"); }
  std::string port() const {
    int bound = 0;
    check(nng_listener_get_int(listener_, NNG_OPT_TCP_BOUND_PORT, &bound), NNG_OPT_TCP_BOUND_PORT);
    return std::to_string(bound);
  }
  // Copies the bytes.
  void send(void* bytes, std::size_t size) { check(nng_send(self_, bytes, size, 0), "nng_send"); }
  void send(message m) { check(nng_sendmsg(self_, m.release(), 0), "nng_sendmsg"); }
  message recv() {
    nng_msg* m = nullptr;
    check(nng_recvmsg(self_, &m, 0), "nng_recvmsg");
    return message(m);
  }

 private:
  nng_socket self_{};
  nng_listener listener_{};
};

// Calls took(message) for each that comes, one after the other, until it says that this was the last one.
class taker {
 public:
  taker(const nng_socket_of& from, std::function<bool(message)> took) : from_(from.get()), took_(std::move(took)) {
    check(nng_aio_alloc(
              &aio_, [](void* self) { static_cast<taker*>(self)->came(); }, this),
          "nng_aio_alloc");
    nng_recv_aio(from_, aio_);
  }
  taker(const taker&) = delete;
  ~taker() { nng_aio_free(aio_); }  // waits for came()
  void wait() { ended_.acquire(); }

 private:
  void came() {
    check(nng_aio_result(aio_), "nng_recv_aio");
    if (took_(message(nng_aio_get_msg(aio_)))) return ended_.release();
    nng_recv_aio(from_, aio_);
  }

  const nng_socket from_;
  const std::function<bool(message)> took_;
  nng_aio* aio_ = nullptr;
  std::binary_semaphore ended_{0};
};

void send_all(const task& t, nng_socket_of& out) {
  std::vector<char> bytes(t.size);
  for (std::int64_t i = 0; i < t.all(); ++i) {
    bench::stamp(bytes.data(), bytes.size(), i);
    out.send(bytes.data(), bytes.size());
  }
}

void receive_all(const nng_socket_of& in, bench::arrivals& arrived) {
  taker all(in, [&](message m) { return arrived.got(0, nng_msg_body(m.get()), nng_msg_len(m.get())); });
  all.wait();
}

void pull(const task& t) {
  nng_socket_of in(nng_pull0_open);
  in.listen(endpoint_of(t));
  bench::say(in.port());
  bench::arrivals arrived(t, 1);
  receive_all(in, arrived);
}

void push(const task& t) {
  nng_socket_of out(nng_push0_open);
  out.set_queue(NNG_OPT_SENDBUF);
  out.connect(endpoint_of(t));
  send_all(t, out);
}

void inproc_push_pull(const task& t) {
  nng_socket_of in(nng_pull0_open), out(nng_push0_open);
  out.set_queue(NNG_OPT_SENDBUF);
  in.listen("inproc://push_pull");
  out.connect("inproc://push_pull");
  std::thread push([&] { send_all(t, out); });
  bench::arrivals arrived(t, 1);
  receive_all(in, arrived);
  push.join();
}

void pub(const task& t) {
  static std::counting_semaphore<> joined{0};
  nng_socket_of out(nng_pub0_open), progress(nng_pull0_open);
  out.set_queue(NNG_OPT_SENDBUF);
  check(nng_pipe_notify(
            out.get(), NNG_PIPE_EV_ADD_POST, [](nng_pipe, nng_pipe_ev, void*) { joined.release(); }, nullptr),
        "nng_pipe_notify");
  out.listen(endpoint_of(t));
  progress.listen(progress_of(out.port()));
  bench::say(out.port());
  for (std::size_t i = 0; i < subscribers; ++i) joined.acquire();

  std::vector<char> bytes(t.size);
  std::int64_t arrived[subscribers] = {};
  for (std::int64_t i = 0; i < t.all(); ++i) {
    while (i - *std::ranges::min_element(arrived) >= queue) {
      const message from = progress.recv();
      arrived[*static_cast<const unsigned char*>(nng_msg_body(from.get()))] += queue / 4;
    }
    bench::stamp(bytes.data(), bytes.size(), i);
    out.send(bytes.data(), bytes.size());
  }
  bench::wait_for_the_end();
}

void sub(const task& t) {
  bench::arrivals arrived(t, subscribers);
  std::deque<taker> all;
  for (std::size_t i = 0; i < subscribers; ++i) {
    nng_socket_of in(nng_sub0_open), progress(nng_push0_open);
    in.set_queue(NNG_OPT_RECVBUF);
    in.subscribe();
    progress.set_queue(NNG_OPT_SENDBUF);
    progress.connect(progress_of(t.port));
    all.emplace_back(in, [&arrived, progress, i, count = 0](message m) mutable {
      if (++count % (queue / 4) == 0) {
        unsigned char self = static_cast<unsigned char>(i);
        progress.send(&self, 1);
      }
      return arrived.got(i, nng_msg_body(m.get()), nng_msg_len(m.get()));
    });
    in.connect(endpoint_of(t));
  }
  for (taker& each : all) each.wait();
}

[[noreturn]] void answer(nng_socket_of& at) {
  for (;;) at.send(at.recv());
}

void rep(const task& t) {
  nng_socket_of at(nng_rep0_open);
  at.listen(endpoint_of(t));
  bench::say(at.port());
  answer(at);
}

void req(const task& t) {
  nng_socket_of of(nng_req0_open);
  of.connect(endpoint_of(t));
  std::vector<char> bytes(t.size);
  bench::round_trips(t, [&](std::int64_t i) {
    bench::stamp(bytes.data(), bytes.size(), i);
    of.send(bytes.data(), bytes.size());
    const message m = of.recv();
    bench::require_message(nng_msg_body(m.get()), nng_msg_len(m.get()), t.size, i);
  });
}

void req_rep(const task& t) {
  nng_socket_of at(nng_rep0_open);
  at.listen(endpoint_of(t));
  task asker = t;
  asker.port = at.port();
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
