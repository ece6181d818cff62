// An nginx that the test starts, on two ports of its own: http and https.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/examples/program.h"
#include "tests/examples/server.h"

namespace testing {

// A port of 127.0.0.1 that the kernel gives to nobody else as long as this lives; who sets SO_REUSEADDR, as nginx does,
// may listen on it. `listens`: connections are taken by the kernel, and nobody ever answers them.
class reserved_port {
 public:
  explicit reserved_port(bool listens = false) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(fd_ >= 0);
    const int on = 1;
    REQUIRE(setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    if (listens) REQUIRE(listen(fd_, 1024) == 0);
    number_ = std::to_string(ntohs(at.sin_port));
  }
  reserved_port(const reserved_port&) = delete;
  ~reserved_port() { close(fd_); }

  const std::string& number() const { return number_; }
  int descriptor() const { return fd_; }

 private:
  int fd_;
  std::string number_;
};

class nginx {
 public:
  // With `files` of 1 KiB at /f/0, /f/1, ..., the content of which begins with its number; /missing/... is 404, /moved
  // a redirect to /f/0, /packed 100 KB that come as gzip to those who take it, /slow takes a second or two; /large and
  // /dense are the file that add_large() has made, as it is and as gzip. `certificate`, `key`: paths.
  nginx(int files, const std::string& certificate, const std::string& key) {
    const std::string& folder = server_.folder();
    std::filesystem::create_directories(folder + "/www/f");
    for (int i = 0; i < files; ++i) std::ofstream(folder + "/www/f/" + std::to_string(i)) << content(i);
    std::ofstream(folder + "/www/packed") << std::string(100'000, 'p');
    std::ofstream(folder + "/www/slow") << std::string(slow_size, 's');
    std::string temporary;
    for (const char* what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
      temporary += std::string(what) + "_temp_path " + folder + "/" + what + ";\n";
    // As root it would give its folders to nobody, whom a sandbox may not know.
    std::ofstream(folder + "/conf") << "daemon off;\nmaster_process off;\nuser root root;\npid " << folder << "/pid;\n"
                                    << "events { worker_connections 1000; }\n"
                                    << "http {\n"
                                    << temporary << R"(
  log_format short '$status $request_uri $connection $body_bytes_sent $msec';
  access_log )" << folder << R"(/access short;
  keepalive_requests 100000;
  default_type text/plain;
  gzip on;
  server {
    listen 127.0.0.1:)" << http_.number()
                                    << R"(;
    listen 127.0.0.1:)" << https_.number()
                                    << R"( ssl;
    ssl_certificate )" << certificate
                                    << ";\n    ssl_certificate_key " << key << R"(;
    root )" << folder << R"(/www;
    location = /moved { return 302 /f/0; }
    location = /packed { gzip_types text/plain; }
    location = /slow { limit_rate 80k; }
    location = /dense { add_header Content-Encoding gzip; }
  }
})";
    server_.start({"/usr/sbin/nginx", "-p", folder, "-e", folder + "/error", "-c", folder + "/conf"});
    server_.await([&] { return shell("exec 3<>/dev/tcp/127.0.0.1/" + http_.number()).status == 0; });
  }

  std::string http(const std::string& path) const { return "http://127.0.0.1:" + http_.number() + path; }
  std::string https(const std::string& path) const { return "https://127.0.0.1:" + https_.number() + path; }

  const std::string& folder() const { return server_.folder(); }

  static std::string content(int i) {
    std::string made = std::to_string(i) + " ";
    return made + std::string(1024 - made.size(), 'x');
  }

  static constexpr std::size_t slow_size = 120 * 1024, large_size = 16 << 20;

  // For /large and /dense, whose gzip is a seventieth.
  void add_large() const {
    const std::string large = folder() + "/www/large";
    {
      std::ofstream file(large);
      for (std::size_t i = 0; i < large_size / 1024; ++i) {
        const std::string number = std::to_string(i * 0x9E3779B97F4A7C15u);
        file << number << std::string(1024 - number.size(), 'l');
      }
    }
    REQUIRE(shell("gzip -c '" + large + "' >'" + folder() + "/www/dense'").status == 0);
  }

  struct served {
    std::string line;  // "STATUS URI"
    std::string connection;
    std::size_t bytes;  // of the body
    double at;          // when it was through, in seconds
  };
  // Ends it, and gives what it has served since it began: "STATUS URI", sorted.
  std::vector<std::string> stop() {
    server_.stop(SIGQUIT);
    std::ifstream log(server_.folder() + "/access");
    std::string status, uri;
    for (served one; log >> status >> uri >> one.connection >> one.bytes >> one.at;) {
      one.line = status + " " + uri;
      log_.push_back(one);
    }
    std::vector<std::string> lines;
    for (const served& one : log_) lines.push_back(one.line);
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  // The same as it came, after stop().
  const std::vector<served>& log() const { return log_; }
  // Over which these came, if `part` is in their line.
  std::size_t connections(const std::string& part = "") const {
    std::set<std::string> all;
    for (const served& one : log_)
      if (one.line.find(part) != std::string::npos) all.insert(one.connection);
    return all.size();
  }

 private:
  reserved_port http_, https_;
  server server_;
  std::vector<served> log_;
};

}  // namespace testing
