// A name server that does what a test says, on a thread of its own: silence, refusals, nonsense.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "tests/testing.h"
#include "weir/net/address.h"

namespace testing {

struct dns_question {
  std::string name;  // "www.example.test"
  bool v6 = false;   // AAAA; else A
  std::string raw;   // the whole message
};

// A response to `q`: its code (0: fine, 2: failed, 3: no such name, 5: refused) and one address.
inline std::string dns_answer(const dns_question& q, int code, const std::string& at = {}, std::uint32_t ttl = 60) {
  std::string m = q.raw;
  m[2] = static_cast<char>(0x81);                   // a response, recursion desired
  m[3] = static_cast<char>(0x80 | code);            // recursion available
  m[6] = 0, m[7] = static_cast<char>(!at.empty());  // answers
  m[8] = m[9] = m[10] = m[11] = 0;
  if (at.empty()) return m;
  std::array<unsigned char, 16> raw;
  EXPECT(inet_pton(q.v6 ? AF_INET6 : AF_INET, at.c_str(), raw.data()) == 1);
  const std::size_t size = q.v6 ? 16 : 4;
  const auto put16 = [&](unsigned n) { m += static_cast<char>(n >> 8), m += static_cast<char>(n); };
  put16(0xc00c);  // the name of the question
  put16(q.v6 ? 28 : 1);
  put16(1);
  put16(ttl >> 16), put16(ttl & 0xffff);
  put16(static_cast<unsigned>(size));
  m.append(reinterpret_cast<const char*>(raw.data()), size);
  return m;
}

class fake_server {
 public:
  // What to send back; nothing: silence. Runs on the server's thread.
  using answer_function = std::function<std::optional<std::string>(const dns_question&)>;

  explicit fake_server(answer_function f) : answer_(std::move(f)) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const weir::net::address any = *weir::net::address::ip("127.0.0.1", 0);
    REQUIRE(bind(fd_, any.data(), any.size()) == 0);
    at_ = weir::net::address::of_socket(fd_);
    thread_ = std::thread([this] { serve(); });
  }
  fake_server(const fake_server&) = delete;
  ~fake_server() {
    stop_ = true;
    const int poke = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sendto(poke, "x", 1, 0, at_.data(), at_.size());
    close(poke);
    thread_.join();
    close(fd_);
  }

  const weir::net::address& at() const noexcept { return at_; }
  int questions() const noexcept { return questions_; }

 private:
  void serve() {
    std::array<char, 2000> buffer;
    while (!stop_) {
      sockaddr_storage from;
      socklen_t size = sizeof from;
      const ssize_t n = recvfrom(fd_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 17 || stop_) continue;
      ++questions_;
      dns_question q;
      q.raw.assign(buffer.data(), static_cast<std::size_t>(n));
      std::size_t at = 12;
      while (at < q.raw.size() && q.raw[at] != 0) {
        if (!q.name.empty()) q.name += '.';
        q.name += q.raw.substr(at + 1, static_cast<unsigned char>(q.raw[at]));
        at += 1 + static_cast<unsigned char>(q.raw[at]);
      }
      q.v6 = q.raw[at + 2] == 28;
      q.raw.resize(at + 5);  // without what follows the question
      if (const std::optional<std::string> reply = answer_(q))
        sendto(fd_, reply->data(), reply->size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
    }
  }

  const answer_function answer_;
  int fd_;
  weir::net::address at_;
  std::atomic<bool> stop_{false};
  std::atomic<int> questions_{0};
  std::thread thread_;
};

}  // namespace testing
