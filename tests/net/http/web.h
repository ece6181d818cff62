// Servers for tests of the client, in memory: each connection is an actor that answers what it is asked as the test
// says.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/testing.h"
#include "weir/net/http/client.h"
#include "weir/net/http/method.h"
#include "weir/net/http/reader.h"
#include "weir/net/http/request.h"
#include "weir/net/memory_stream.h"
#include "weir/net/stream.h"
#include "weir/runtime/scope.h"

namespace testing {

struct asked {
  weir::net::http::request request;  // with its body
  std::string host;                  // "http://a.test"
  int connection = 0;                // from 1, in the order in which they were made
  int nth = 0;                       // request on this connection, from 1
};
struct reply {
  std::string bytes;   // all of it, head and body; to HEAD only the head goes
  bool close = false;  // behind them; else the next request is awaited
  bool stall = false;  // behind them nothing comes, until the client ends
};

// "HTTP/1.1 STATUS x", with a length.
inline reply answer(int status, const std::string& body = "", const std::string& fields = "") {
  return {"HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
          fields + "\r\n" + body};
}

class web {
 public:
  using handler = std::function<reply(const asked&)>;

  explicit web(handler h) : handler_(std::move(h)) {}

  // With the connections that the client makes in it. Must outlive the scope, which must outlive the client.
  weir::net::http::client_options in(weir::scope& s) {
    weir::net::http::client_options o;
    o.backoff = std::chrono::milliseconds(1);
    o.dial = [this, &s](const weir::net::http::url& to, weir::deadline) {
      auto ends = weir::net::memory_pair();
      const int n = ++connections_;
      s.spawn("connection", [this, n, host = to.origin(), b = std::move(ends.b)] { serve(b, host, n); });
      return std::move(ends.a);
    };
    return o;
  }

  int connections() const { return connections_.load(); }
  int closed() const { return closed_.load(); }
  std::vector<asked> seen() const {
    std::lock_guard guard(mutex_);
    return seen_;
  }

 private:
  void serve(const weir::net::stream& s, const std::string& host, int connection) {
    weir::net::http::request_reader in;
    asked a;
    a.host = host, a.connection = connection;
    while (read_request(s, in, a)) {
      ++a.nth;
      {
        std::lock_guard guard(mutex_);
        seen_.push_back(a);
      }
      reply r = handler_(a);
      if (a.request.method == weir::net::http::method::head) r.bytes.resize(r.bytes.find("\r\n\r\n") + 4);
      if (s.write_all(r.bytes).status == weir::net::io_status::ok && r.stall) {
        std::string rest(100, '\0');
        while (s.read_some(rest)) {
        }
      }
      if (r.close) break;
    }
    s.close();
    ++closed_;
  }

  static bool read_request(const weir::net::stream& s, weir::net::http::request_reader& in, asked& a) {
    for (;;) {
      switch (in.next()) {
        case weir::net::http::input::more: {
          const auto r = s.read_some(in.room());
          in.filled(r.bytes);
          if (!r) return false;
          break;
        }
        case weir::net::http::input::head:
          a.request = in.take_head();
          break;
        case weir::net::http::input::body:
          a.request.body += in.piece();
          break;
        case weir::net::http::input::end:
          return true;
        case weir::net::http::input::failed:
          EXPECT(in.failure().text() == "");
          return false;
      }
    }
  }

  const handler handler_;
  // Relaxed would do: they are looked at when the scope has ended, or awaited.
  std::atomic<int> connections_{0}, closed_{0};
  mutable std::mutex mutex_;
  std::vector<asked> seen_;  // guarded by mutex_
};

}  // namespace testing
