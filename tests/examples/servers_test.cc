// The servers of examples/, with clients that know nothing of weir: Python's sockets.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "tests/examples/example_server.h"
#include "tests/examples/program.h"

using testing::outcome;
using testing::sanitized;
using testing::shell;
using server = testing::example_server;

namespace {

// A port of 127.0.0.1 on which nobody listens, nor can by chance: only who asks for it by its number and reuses
// addresses, as Python's servers do.
class reserved_port {
 public:
  reserved_port() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    REQUIRE(setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port_ = ntohs(at.sin_port);
  }
  reserved_port(const reserved_port&) = delete;
  ~reserved_port() { close(fd_); }
  std::string text() const { return std::to_string(port_); }

 private:
  const int fd_;
  int port_ = 0;
};

// Runs a script of Python; `port` and what is imported here are known in it.
outcome python(const std::string& port, const std::string& script) {
  return testing::run({"/usr/bin/python3", "-c",
                       "import os, socket, struct, sys, threading, time\n"
                       "port = " +
                           port +
                           "\n"
                           "def connect():\n"
                           "    s = socket.create_connection(('127.0.0.1', port))\n"
                           "    s.settimeout(60)\n"
                           "    return s\n"
                           "def rest_of(s):\n"
                           "    parts = []\n"
                           "    while part := s.recv(65536): parts.append(part)\n"
                           "    return b''.join(parts)\n"
                           "def reset(s):\n"
                           "    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
                           "    s.close()\n" +
                           script});
}

// Each of `clients` threads sends a megabyte of its own and gets it back, halves apart.
const char* const echoes = R"(
def client(i):
    data = os.urandom(1000) * (1000 + i)
    s = connect()
    def send():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    if rest_of(s) != data: bad.append(i)
    sender.join()
bad = []
threads = [threading.Thread(target=client, args=(i,)) for i in range(clients)]
for t in threads: t.start()
for t in threads: t.join()
print('bad:', bad)
)";

}  // namespace

TEST_CASE("echo_server gives every client back what it sent and ends cleanly on SIGTERM") {
  server echo({"examples/echo_server", "127.0.0.1:0"});
  CHECK(python(echo.port(), std::string("clients = 20\n") + echoes).out == "bad: []\n");
  // Clients that break off, and some that stay while it ends.
  CHECK(python(echo.port(), R"(
for i in range(50):
    s = connect()
    s.sendall(b'x' * 100)
    reset(s)
idle = [connect() for i in range(20)]
s = connect()
s.sendall(b'still there')
print(s.recv(100).decode())
)")
            .out == "still there\n");
  const outcome ended = echo.terminate();
  CHECK(ended.status == 143);
  CHECK(echo.complaints().empty());
}

TEST_CASE("echo_server says what is wrong with its endpoint") {
  const auto bad = testing::run({"examples/echo_server", "127.0.0.1"});
  CHECK(bad.err ==
        "echo_server: endpoint \"127.0.0.1\": expected \":PORT\" after the host; found the end (column 10)\n");
  CHECK(bad.status == 1);
  server one({"examples/echo_server", "127.0.0.1:0"});
  CHECK(testing::run({"examples/echo_server", one.endpoint()}).err ==
        "echo_server: bind tcp://" + one.endpoint() + ": address already in use (EADDRINUSE)\n");
  CHECK(one.terminate().status == 143);
}

TEST_CASE("chat tells everybody every line and a slow reader how many it missed") {
  server chat({"examples/chat", "127.0.0.1:0"});
  const outcome done = python(chat.port(), R"(
def enter(name):
    s = connect()
    f = s.makefile('rw', newline='\n')
    assert s.recv(11, socket.MSG_WAITALL) == b'your name? '
    s.sendall(name.encode() + b'\n')
    return s, f
def until(f, text):
    while (line := f.readline()) and text not in line: pass
    return line
slow, slow_lines = enter('slow')
assert until(slow_lines, 'slow has come')
ann, ann_lines = enter('ann')
bob, bob_lines = enter('bob')
assert until(ann_lines, 'bob has come') and until(bob_lines, 'bob has come')
ann.sendall(b'hello bob\n')
print(until(bob_lines, 'hello').strip())
bob.sendall(b'hello ann\n')
print(until(ann_lines, 'hello ann').strip())
# Ann talks more than the kernel keeps for somebody who does not read; Bob hears all of it meanwhile.
text = 'x' * 1000
def talk():
    for i in range(20000): ann.sendall(f'{i} {text}\n'.encode())
def drain():
    while ann_lines.readline(): pass
threading.Thread(target=drain, daemon=True).start()
talker = threading.Thread(target=talk)
talker.start()
missed = 0
for i in range(20000):
    line = bob_lines.readline()
    if line.startswith('* you missed'):
        missed = int(line.split()[3])
        line = bob_lines.readline()
    if f' {19999} ' in line: break
talker.join()
print('bob heard the last line:', ' 19999 ' in line)
slow_told = until(slow_lines, 'you missed')
print('slow was told:', slow_told.startswith('* you missed '))
reset(bob)
ann.sendall(b'bye\n')
print(until(slow_lines, ': bye').strip())
)");
  CHECK(done.out == "ann: hello bob\nbob: hello ann\nbob heard the last line: True\nslow was told: True\nann: bye\n");
  CHECK(done.err.empty());
  CHECK(chat.terminate().status == 143);
  CHECK(chat.complaints().empty());
}

TEST_CASE("proxy passes both directions on with their ends and holds back what nobody takes") {
  server echo({"examples/echo_server", "127.0.0.1:0"});
  server proxy({"examples/proxy", "127.0.0.1:0", echo.endpoint()});
  CHECK(python(proxy.port(), std::string("clients = 10\n") + echoes).out == "bad: []\n");
  // 200 MB for an echo that nobody reads: it must end up waiting, not in the proxy's memory.
  CHECK(python(proxy.port(), R"(
s = connect()
s.settimeout(1)
sent = 0
try:
    while sent < 200_000_000: sent += s.send(b'x' * 100_000)
except TimeoutError:
    pass
print('held back:', sent < 200_000_000)
reset(s)
s = connect()
s.sendall(b'goes on')
print(s.recv(100).decode())
)")
            .out == "held back: True\ngoes on\n");
  const outcome ended = proxy.terminate();
  CHECK(ended.status == 143);
  CHECK(proxy.complaints().empty());
  if (!sanitized) CHECK(ended.peak_kib < 50'000);
  CHECK(echo.terminate().status == 143);
}

TEST_CASE("proxy resets a client whose server is not there or breaks off") {
  const reserved_port kept;
  const std::string port = kept.text();
  server proxy({"examples/proxy", "127.0.0.1:0", "127.0.0.1:" + port});
  const char* const is_reset = R"(
s = connect()
try:
    print('got', s.recv(10))
except ConnectionResetError:
    print('reset')
)";
  CHECK(python(proxy.port(), is_reset).out == "reset\n");
  CHECK(proxy.complaints() == "proxy: connect tcp://127.0.0.1:" + port + ": connection refused (ECONNREFUSED)\n");
  CHECK(python(proxy.port(), std::string(R"(
listener = socket.create_server(('127.0.0.1', )") +
                                 port + R"())
def serve(): reset(listener.accept()[0])
threading.Thread(target=serve).start()
)" + is_reset)
            .out == "reset\n");
  CHECK(proxy.terminate().status == 143);
  CHECK(testing::run({"examples/proxy"}).status == 2);
}

TEST_CASE("http_server serves its API and its page and ends cleanly on SIGTERM") {
  server web({"examples/http_server", "127.0.0.1:0"});
  const std::string url = "http://" + web.endpoint(), curl = "curl -sS -q --noproxy '*' ";
  CHECK(shell(curl + url + "/notes").out == "[]\n");
  CHECK(shell(curl + "--data-binary 'buy \"milk\"' " + url + "/notes").out == "{\"id\": 1}\n");
  CHECK(shell(curl + "-d eggs " + url + "/notes").out == "{\"id\": 2}\n");
  CHECK(shell(curl + url + "/notes").out ==
        "[\n  {\"id\": 1, \"text\": \"buy \\\"milk\\\"\"},\n  {\"id\": 2, \"text\": \"eggs\"}\n]\n");
  const std::string code = curl + "-o /dev/null -w '%{http_code}' ";
  CHECK(shell(code + "-X DELETE " + url + "/notes/1").out == "204");
  CHECK(shell(code + "-X DELETE " + url + "/notes/1").out == "404");
  CHECK(shell(code + "-X PUT " + url + "/notes").out == "405");
  CHECK(shell("printf '\\xff' | " + code + "--data-binary @- " + url + "/notes").out == "422");
  CHECK(shell("head -c 2000 /dev/zero | " + code + "--data-binary @- " + url + "/notes").out == "413");
  CHECK(shell(curl + url + "/").out.find("<title>notes</title>") != std::string::npos);
  const outcome end = web.terminate();
  CHECK(end.status == 0);
  CHECK(web.complaints().empty());
}

TEST_CASE("http_server tells each page by WebSocket of notes and counters, and says goodbye when it ends") {
  server web({"examples/http_server", "127.0.0.1:0"});
  const outcome said = python(web.port(), "pid = " + std::to_string(web.pid()) + R"(
import asyncio, json, signal, urllib.request, websockets
url = f'http://127.0.0.1:{port}/notes'
def ask(request): return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).read()
async def next_with(page, key):
    while True:
        message = json.loads(await page.recv())
        if key in message: return message[key]
def connect(**more):
    return websockets.connect(f'ws://127.0.0.1:{port}/live', open_timeout=100, ping_interval=None, **more)
async def main():
    try: await connect(origin='http://evil.example')
    except websockets.InvalidStatusCode as e: print(e.status_code)
    async with connect() as a, connect() as b:
        print(await next_with(a, 'notes'), await next_with(b, 'notes'))
        before = await next_with(b, 'requests')
        ask(urllib.request.Request(url, data=b'eggs'))
        print(await next_with(a, 'notes'), await next_with(b, 'notes'))
        ask(urllib.request.Request(url + '/1', method='DELETE'))
        print(await next_with(a, 'notes'), await next_with(b, 'notes'))
        while await next_with(a, 'requests') < before + 2: pass
        while await next_with(b, 'open') < 2: pass
        os.kill(pid, signal.SIGTERM)
        for page in (a, b):
            try:
                while True: await page.recv()
            except websockets.ConnectionClosed as e: print(e.rcvd.code)
asyncio.run(main())
)");
  INFO(said.err);
  const std::string eggs = "[{'id': 1, 'text': 'eggs'}]";
  CHECK(said.out == "403\n[] []\n" + eggs + " " + eggs + "\n[] []\n1001\n1001\n");
  CHECK(web.wait().status == 0);
  CHECK(web.complaints().empty());
}
