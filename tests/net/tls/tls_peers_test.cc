// TLS against those who know nothing of weir: the openssl command and Python's ssl module, both ways.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/bytes.h"
#include "tests/net/tls/certificates.h"
#include "tests/net/tls/tls_pair.h"
#include "tests/testing.h"
#include "weir/net/process/process.h"
#include "weir/net/tcp.h"
#include "weir/net/tls/tls_error.h"
#include "weir/net/tls/tls_stream.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using Catch::Contains;
using net::io_status;
using net::process;
using net::stdio;
using testing::certificates;
using testing::in_actor;
using testing::rest_of;

namespace {

// A server of somebody else; it says where it listens, "...:PORT", in one of its first lines.
class foreign_server {
 public:
  foreign_server(std::string program, std::vector<std::string> arguments)
      : process_({.program = std::move(program),
                  .arguments = std::move(arguments),
                  .input = stdio::pipe(),
                  .output = stdio::pipe(),
                  .errors = stdio::to_output()}) {
    std::string line;
    while (!line.starts_with("ACCEPT")) process_.output().expect("read", process_.output().read_until(line, "\n"));
    port_ = line.substr(line.rfind(':') + 1);
    port_.pop_back();
  }

  net::tcp_stream connect() const { return net::tcp_connect("127.0.0.1:" + port_, 60s); }
  // What is typed there.
  const net::stream& input() { return process_.input(); }
  // What it has said, once it has ended.
  std::string rest() { return rest_of(process_.output()); }

 private:
  process process_;
  std::string port_;
};

std::vector<std::string> with(std::vector<std::string> some, const std::vector<std::string>& more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

// It prints what it gets.
foreign_server plain_s_server(const std::vector<std::string>& more) {
  const certificates& all = certificates::get();
  return {
      "openssl",
      with({"s_server", "-accept", "127.0.0.1:0", "-cert", all.path("good.pem"), "-key", all.path("good.key")}, more)};
}

// It gives back what it gets, line by line, in reverse.
foreign_server s_server(const std::vector<std::string>& more) { return plain_s_server(with({"-rev"}, more)); }

// Python's, with what scripts need.
std::vector<std::string> python(const std::string& script) {
  return {"-c",
          "import os, select, socket, ssl, sys\n"
          "folder = '" +
              certificates::get().path("") +
              "'\n"
              "def rest_of(s):\n"
              "    parts = []\n"
              "    while part := s.recv(65536): parts.append(part)\n"
              "    return b''.join(parts)\n"
              "def client_context():\n"
              "    return ssl.create_default_context(cafile=folder + 'ca.pem')\n"
              "def server_context():\n"
              "    c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder + 'ca.pem')\n"
              "    c.load_cert_chain(folder + 'good.pem', folder + 'good.key')\n"
              "    return c\n"
              "def accept(listener): return listener.accept()[0]\n"
              "def listen():\n"
              "    l = socket.create_server(('127.0.0.1', 0))\n"
              "    print(f'ACCEPT 127.0.0.1:{l.getsockname()[1]}', flush=True)\n"
              "    return l\n" +
              script};
}

std::string reversed_line(const net::tls_stream& s, const std::string& text) {
  CHECK(s.write_all(text + "\n"));
  std::string line;
  CHECK(s.read_until(line, "\n"));
  return line;
}

// Sends every line back, with a mark.
void mark_lines(const net::tls_stream& s) {
  std::string line;
  while (s.read_until(line, "\n")) {
    line.back() = '!';
    EXPECT(s.write_all({line, "\n"}));
  }
}

}  // namespace

TEST_CASE("openssl s_server is verified, agrees on a protocol, resumes, and gives back what it got") {
  const certificates& all = certificates::get();
  in_actor([&] {
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      foreign_server server = s_server({version, "-naccept", "3", "-alpn", "h2"});
      auto options = all.client();
      options.alpn = {"h2", "http/1.1"};
      const net::tls_client client(options);
      for (const bool again : {false, true}) {
        const auto s = net::start_tls(server.connect(), client, "good.test", 60s);
        CHECK(s.agreed().version == (version == std::string("-tls1_2") ? "TLSv1.2" : "TLSv1.3"));
        CHECK(s.agreed().alpn == "h2");
        CHECK(s.agreed().resumed == again);
        CHECK(s.peer()->subject == "CN=good");
        CHECK(reversed_line(s, "hello") == "olleh\n");
        CHECK(s.shutdown());
        char c[1];
        CHECK_FALSE(s.read_some(c));
      }
      CHECK_THROWS_WITH(net::start_tls(server.connect(), client, "bad.test", 60s),
                        Contains("is for good.test, *.wild.test, 127.0.0.1, not for bad.test"));
      CHECK_THAT(server.rest(), Contains("CONNECTION CLOSED") && Contains("alert"));
    }
  });
}

TEST_CASE("openssl s_server gets the certificate that it asks for") {
  const certificates& all = certificates::get();
  in_actor([&] {
    foreign_server server =
        s_server({"-Verify", "1", "-CAfile", all.path("ca.pem"), "-verify_return_error", "-naccept", "2"});
    {
      const auto s = net::start_tls(server.connect(), net::tls_client(all.client("client")), "good.test", 60s);
      CHECK(reversed_line(s, "hello") == "olleh\n");
    }
    const auto s = net::start_tls(server.connect(), net::tls_client(all.client()), "good.test", 60s);
    char c[1];
    const auto r = s.read_some(c);
    CHECK(r.status == io_status::reset);
    CHECK_THAT(s.why(), Contains("it wants a certificate of this side"));
  });
}

TEST_CASE("openssl s_client verifies the server, gives its certificate, and changes keys in the middle") {
  const certificates& all = certificates::get();
  in_actor([&] {
    auto options = all.server();
    options.alpn = {"h2"};
    options.clients = net::tls_clients::known;
    options.client_ca = {all.ca()};
    const net::tls_server tls(options);
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("server", [&] {
        const auto conn = net::start_tls(*listener.accept(), tls, 60s);
        EXPECT(conn.agreed().host == "good.test");
        EXPECT(conn.peer()->subject == "CN=client");
        mark_lines(conn);
      });
      process p(
          {.program = "openssl",
           .arguments = {"s_client", "-connect", "127.0.0.1:" + std::to_string(listener.port()), "-CAfile",
                         all.path("ca.pem"), "-verify_return_error", "-verify_hostname", "good.test", "-servername",
                         "good.test", "-alpn", "h2", "-cert", all.path("client.pem"), "-key", all.path("client.key")},
           .input = stdio::pipe(),
           .output = stdio::pipe(),
           .errors = stdio::to_output()});
      const auto heard = [&](const std::string& text) {
        std::string line;
        while (p.output().read_until(line, "\n"))  // what it says itself comes in blocks, in between
          if (line.ends_with(text)) return true;
        return false;
      };
      CHECK(p.input().write_all("hello\n"));
      CHECK(heard("hello!\n"));
      // K: new keys, and the server is asked for new ones as well.
      for (const char* text : {"second", "third"}) {
        CHECK(p.input().write_all("K\n"));
        CHECK(heard("KEYUPDATE\n"));
        CHECK(p.input().write_all(std::string(text) + "\n"));
        CHECK(heard(std::string(text) + "!\n"));
      }
      p.input().close();
      CHECK_THAT(rest_of(p.output()), Contains("DONE"));
      CHECK(p.wait()->ok());
    });
  });
}

TEST_CASE("Python's ssl reads and writes at once, resumes, ends in order, and breaks off") {
  const certificates& all = certificates::get();
  in_actor([&] {
    const net::tls_server tls(all.server());
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("server", [&] {
        for (int i = 0; i < 3; ++i) {  // echoes
          const auto conn = net::start_tls(*listener.accept(), tls, 60s);
          EXPECT(conn.agreed().resumed == (i == 1));
          std::vector<char> buffer(50'000);
          io_status how{};
          for (;;) {
            const auto r = conn.read_some(buffer);
            how = r.status;
            if (!r || !conn.write_all({buffer.data(), r.bytes})) break;
          }
          EXPECT(how == (i == 2 ? io_status::reset : io_status::end));
          EXPECT(conn.why().starts_with("truncated: ") == (i == 2));
          (void)conn.shutdown();
        }
        // Breaks off itself, after three bytes.
        net::stream plain = *listener.accept();
        const net::stream below = plain.share();
        const auto conn = net::start_tls(std::move(plain), tls, 60s);
        EXPECT(conn.write_all("abc"));
        std::string line;
        EXPECT(conn.read_until(line, "\n"));
        below.close();
      });
      process p({.program = "/usr/bin/python3",
                 .arguments = python("port = " + std::to_string(listener.port()) + R"(
context = client_context()
context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # Python's default takes it for an end
def connect(session=None):
    s = socket.create_connection(('127.0.0.1', port), 60)
    return context.wrap_socket(s, server_hostname='good.test', session=session, suppress_ragged_eofs=False)
data = os.urandom(1000) * 2000
def much(s):
    # In one thread: an SSLSocket must not be used by two at once.
    s.setblocking(False)
    got, sent = bytearray(), 0
    while len(got) < len(data):
        moved = 0
        try:
            if sent < len(data): moved = s.send(data[sent:sent + 65536])
            sent += moved
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError): pass
        try:
            part = s.recv(65536)
            if not part: break
            got += part
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if not moved: select.select([s], [s] if sent < len(data) else [], [])
    s.settimeout(60)
    print('the same:', got == data)
s = connect()
much(s)
session = s.session
print('left:', s.unwrap().recv(1))
s = connect(session)
print('reused:', s.session_reused)
much(s)
s.unwrap()
s = connect()
s.sendall(b'x')
print(s.recv(1))
s.close()  # without close_notify
s = connect()
print(s.recv(3))
s.sendall(b'go\n')
try:
    print('got', s.recv(1))
except ssl.SSLError as e:  # which one it is depends on Python's version
    print('broken off' if 'eof' in str(e).lower() else e)
)"),
                 .output = stdio::pipe()});
      CHECK(rest_of(p.output()) ==
            "the same: True\nleft: b''\nreused: True\nthe same: True\nb'x'\nb'abc'\nbroken off\n");
      CHECK(p.wait()->ok());
    });
  });
}

TEST_CASE("a server in Python is read and written at once, ends in order, and breaks off") {
  const certificates& all = certificates::get();
  in_actor([&] {
    foreign_server server("/usr/bin/python3", python(R"(
context = server_context()
context.verify_mode = ssl.CERT_REQUIRED
context.set_alpn_protocols(['b', 'a'])
listener = listen()
s = context.wrap_socket(accept(listener), server_side=True)
print(s.getpeercert()['subject'], s.selected_alpn_protocol())
while part := s.recv(65536): s.sendall(part)
s.unwrap()
s = context.wrap_socket(accept(listener), server_side=True)
s.sendall(b'abc')
s.recv(1)
s.close()
)"));
    auto options = all.client("client");
    options.alpn = {"a", "b"};
    const net::tls_client client(options);
    const auto s = net::start_tls(server.connect(), client, "good.test", 60s);
    CHECK(s.agreed().alpn == "b");
    const std::size_t total = 3'000'000;
    with_scope([&](scope& both) {
      both.spawn("writer", [&] {
        EXPECT(s.write_all(testing::bytes_of(1, 0, total)));
        EXPECT(s.shutdown());
      });
      io_status how{};
      const std::string all_of_it = rest_of(s, &how);
      CHECK(how == io_status::end);
      CHECK(all_of_it.size() == total);
      CHECK(testing::are_bytes_of(all_of_it, 1, 0));
    });
    const auto t = net::start_tls(server.connect(), client, "good.test", 60s);
    CHECK(t.write_all("x"));
    io_status how{};
    CHECK(rest_of(t, &how) == "abc");
    CHECK(how == io_status::reset);
    CHECK_THAT(t.why(), Catch::StartsWith("truncated: "));
    CHECK_THAT(server.rest(), Contains("'client'") && Contains(" b\n"));
  });
}

TEST_CASE("a client that only writes to openssl s_server loses nothing") {
  const certificates& all = certificates::get();
  in_actor([&] {
    const net::tls_client client(all.client());
    const std::size_t total = 1'000'000;
    for (const bool says_so : {false, true, false, true}) {
      foreign_server server = plain_s_server({"-tls1_3", "-naccept", "1", "-num_tickets", "1"});
      std::string said;
      with_scope([&](scope& s) {
        s.spawn("prints", [&] { said = server.rest(); });
        net::stream plain = server.connect();
        const net::stream below = plain.share();
        const auto conn = net::start_tls(std::move(plain), client, "good.test", 60s);
        // Its ticket lies there, and is not read: the kernel would answer a close with a reset.
        testing::eventually([&] { return below.core("", {}).ready(weir::internal::direction::read); });
        CHECK(conn.write_all(std::string(total, '~')));
        if (says_so) CHECK(conn.shutdown());
        conn.close();
      });
      CHECK(static_cast<std::size_t>(std::count(said.begin(), said.end(), '~')) == total);
    }
  });
}

TEST_CASE("with TLS 1.2 a renegotiation is refused, whoever asks") {
  const certificates& all = certificates::get();
  in_actor([&] {
    foreign_server server = plain_s_server({"-tls1_2", "-naccept", "1"});
    {
      const auto s = net::start_tls(server.connect(), net::tls_client(all.client()), "good.test", 60s);
      CHECK(server.input().write_all("r\n"));  // asks, as it is the only thing on the line
      char c[1];
      CHECK(s.read_some(c).status == io_status::reset);
      CHECK_THAT(s.why(), Contains("refused by the peer: "));
    }
    CHECK_THAT(server.rest(), Contains("no renegotiation"));

    const net::tls_server tls(all.server());
    const net::tcp_listener listener("127.0.0.1:0");
    with_scope([&](scope& s) {
      s.spawn("server", [&] {
        const auto conn = net::start_tls(*listener.accept(), tls, 60s);
        EXPECT(conn.agreed().version == "TLSv1.2");
        mark_lines(conn);  // until the other side gives up
      });
      process p({.program = "openssl",
                 .arguments = {"s_client", "-connect", "127.0.0.1:" + std::to_string(listener.port()), "-tls1_2"},
                 .input = stdio::pipe(),
                 .output = stdio::pipe(),
                 .errors = stdio::to_output()});
      std::string line;
      CHECK(p.input().write_all("hello\n"));
      while (!line.ends_with("hello!\n")) p.output().expect("read", p.output().read_until(line, "\n"));
      CHECK(p.input().write_all("R\n"));
      CHECK_THAT(rest_of(p.output()), Contains("RENEGOTIATING") && Contains("no renegotiation"));
    });
  });
}
