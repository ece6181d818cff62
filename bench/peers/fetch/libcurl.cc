// The client of bench/fetch/load.cc on libcurl: for each worker a thread with a multi handle of its own, which epoll
// tells what has come.
#include <curl/curl.h>
#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "bench/net/side.h"

namespace {

constexpr int under_way = 100;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "%s\n", why);
  std::_Exit(3);
}

void check(CURLcode c) {
  if (c != CURLE_OK) give_up(curl_easy_strerror(c));
}
void check(CURLMcode c) {
  if (c != CURLM_OK) give_up(curl_multi_strerror(c));
}

class client {
 public:
  client(const bench::task& t, int connections)
      : expected_(t.size, 'x'), set_(epoll_create1(EPOLL_CLOEXEC)), multi_(curl_multi_init()) {
    check(curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket));
    check(curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this));
    check(curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer));
    check(curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this));
    const std::string url = "http://127.0.0.1:" + t.port + "/";
    for (int i = 0; i < connections; ++i) {
      transfer& one = transfers_.emplace_back(transfer{&expected_, curl_easy_init()});
      check(curl_easy_setopt(one.easy, CURLOPT_URL, url.c_str()));
      check(curl_easy_setopt(one.easy, CURLOPT_PROXY, ""));
      check(curl_easy_setopt(one.easy, CURLOPT_NOSIGNAL, 1L));
      check(curl_easy_setopt(one.easy, CURLOPT_PRIVATE, &one));
      check(curl_easy_setopt(one.easy, CURLOPT_WRITEDATA, &one));
      check(curl_easy_setopt(one.easy, CURLOPT_WRITEFUNCTION, on_body));
    }
  }
  client(const client&) = delete;

  // Until `n` are begun by all clients together, and this one's are answered.
  void get(std::atomic<std::int64_t>& begun, std::int64_t n) {
    int left = 0;
    const auto begin_next = [&](transfer& one) {
      if (begun.fetch_add(1, std::memory_order_relaxed) >= n) return;
      one.got = 0;
      check(curl_multi_add_handle(multi_, one.easy));
      ++left;
    };
    for (transfer& one : transfers_) begin_next(one);
    while (left > 0) {
      wait();
      int waiting = 0;
      while (const CURLMsg* const m = curl_multi_info_read(multi_, &waiting)) {
        transfer& one = finished(*m);
        --left;
        begin_next(one);
      }
    }
  }

 private:
  struct transfer {
    const std::string* expected;
    CURL* easy;
    std::size_t got = 0;
  };

  // Tells libcurl what has come, or the time.
  void wait() {
    int running;
    if (due_ >= 0 && due_ <= bench::now()) {
      due_ = -1;
      check(curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running));
      return;
    }
    const int limit = due_ < 0 ? -1 : static_cast<int>((due_ - bench::now()) / 1'000'000 + 1);
    epoll_event ready[under_way];
    const int count = epoll_wait(set_, ready, under_way, limit);
    for (int i = 0; i < count; ++i) {
      const int what = ((ready[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                       ((ready[i].events & ~EPOLLOUT) != 0 ? CURL_CSELECT_IN : 0);
      check(curl_multi_socket_action(multi_, ready[i].data.fd, what, &running));
    }
  }

  // The transfer that `m` tells of, whose answer is right.
  transfer& finished(const CURLMsg& m) {
    check(m.data.result);
    void* one = nullptr;
    long status = 0;
    check(curl_easy_getinfo(m.easy_handle, CURLINFO_PRIVATE, &one));
    check(curl_easy_getinfo(m.easy_handle, CURLINFO_RESPONSE_CODE, &status));
    transfer& t = *static_cast<transfer*>(one);
    if (status != 200 || t.got != expected_.size()) give_up("an answer is not what it should be");
    check(curl_multi_remove_handle(multi_, t.easy));
    return t;
  }

  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* of) {
    transfer& t = *static_cast<transfer*>(of);
    if (size > t.expected->size() - t.got || std::memcmp(data, t.expected->data() + t.got, size) != 0)
      give_up("an answer is not what it should be");
    t.got += size;
    return size;
  }

  static int on_socket(CURL*, curl_socket_t fd, int what, void* of, void* known) {
    client& c = *static_cast<client*>(of);
    epoll_event e{what == CURL_POLL_IN ? EPOLLIN : what == CURL_POLL_OUT ? EPOLLOUT : EPOLLIN | EPOLLOUT, {.fd = fd}};
    const int change = what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL : known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(c.set_, change, fd, &e) != 0) give_up("epoll_ctl");
    if (change == EPOLL_CTL_ADD) curl_multi_assign(c.multi_, fd, of);
    return 0;
  }

  static int on_timer(CURLM*, long milliseconds, void* of) {
    static_cast<client*>(of)->due_ = milliseconds < 0 ? -1 : bench::now() + milliseconds * 1'000'000;
    return 0;
  }

  const std::string expected_;
  const int set_;
  CURLM* const multi_;
  std::deque<transfer> transfers_;  // libcurl knows where each is
  std::int64_t due_ = -1;           // nanoseconds; below 0: libcurl waits for no time
};

void fetch(const bench::task& t) {
  std::deque<client> clients;
  for (int i = 0; i < t.workers; ++i)
    clients.emplace_back(t, under_way * (i + 1) / t.workers - under_way * i / t.workers);
  const auto get = [&](std::int64_t n) {
    std::atomic<std::int64_t> begun{0};
    std::vector<std::thread> threads;
    for (client& each : clients) threads.emplace_back([&] { each.get(begun, n); });
    for (std::thread& each : threads) each.join();
  };
  get(t.warm());
  bench::say_began();
  const std::int64_t start = bench::now();
  get(t.n);
  bench::say_ended(t.n, bench::now() - start);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::task t(argc, argv);
  check(curl_global_init(CURL_GLOBAL_DEFAULT));
  fetch(t);
  bench::wait_for_the_end();
}
