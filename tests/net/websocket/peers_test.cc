// Against those who know nothing of weir: Debian's python3-websockets, both ways, over TCP and over TLS.
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "tests/net/tls/certificates.h"
#include "tests/testing.h"
#include "weir/net/http/exchange.h"
#include "weir/net/http/router.h"
#include "weir/net/http/server.h"
#include "weir/net/http/server_options.h"
#include "weir/net/process/process.h"
#include "weir/net/tcp.h"
#include "weir/net/tls/tls_stream.h"
#include "weir/net/websocket/client.h"
#include "weir/net/websocket/server.h"
#include "weir/runtime/scope.h"

using namespace std::chrono_literals;
using namespace weir;
using namespace weir::net::websocket;
using net::http::exchange;
using net::http::method;
using testing::certificates;
using testing::in_actor;

namespace {

// A machine that builds beside the test is slow; nothing here depends on these.
options patient() { return {.message = 4 << 20, .ping_every = 0ms, .close_within = 100s}; }

net::process python(const std::string& script) {
  return net::process({.program = "/usr/bin/python3",
                       .arguments = {"-I", "-c",
                                     "import asyncio, ssl, sys, websockets\n"
                                     "folder = '" +
                                         certificates::get().path("") +
                                         "'\n"
                                         "def say(x): print(x, flush=True)\n" +
                                         script},
                       .output = net::stdio::pipe()});
}

std::string line_of(net::process& p) {
  std::string text;
  REQUIRE(p.output().read_until(text, "\n", 4096, 100s));
  text.pop_back();
  return text;
}

connection connect_to(const std::string& port, std::string_view target, const net::tls_client* tls) {
  net::stream s = net::tcp_connect("127.0.0.1:" + port, 100s);
  if (tls != nullptr) s = net::start_tls(std::move(s), *tls, "127.0.0.1", 100s);
  connected c = connect(std::move(s), "127.0.0.1:" + port, target,
                        {.protocols = {"other", "chat"}, .connection = patient()}, 100s);
  CHECK(c.protocol == "chat");
  return std::move(c.connection);
}

const char* const server = R"(
async def serve(ws, path):
    if path == '/echo':
        async for m in ws: await ws.send(m)
        say(f'{ws.close_code} {ws.close_reason}')
    elif path == '/parts':
        await ws.send(['one ', '', '\u20ac', ' three'])
        await ws.send([b'\x00', b'\xff'])
        await (await ws.ping(b'are you there'))
        await ws.send('ponged')
        await ws.close(4001, 'over')
async def main():
    tls = None
    if with_tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder + 'good.pem', folder + 'good.key')
    async with websockets.serve(serve, '127.0.0.1', 0, ssl=tls, subprotocols=['chat'], max_size=2**22,
                                close_timeout=100, ping_interval=None) as s:
        say(s.sockets[0].getsockname()[1])
        await asyncio.Future()
asyncio.run(main())
)";

const char* const client = R"(
tls = ssl.create_default_context(cafile=folder + 'ca.pem') if with_tls else None
def connect(path):
    return websockets.connect(f'{"wss" if tls else "ws"}://127.0.0.1:{port}{path}', ssl=tls,
                              subprotocols=['chat', 'other'], max_size=2**22,
                              open_timeout=100, close_timeout=100, ping_interval=None)
async def main():
    async with connect('/echo') as ws:
        assert ws.subprotocol == 'chat'
        for n in [0, 1, 125, 126, 65535, 65536, 3_000_000]:
            for m in ['x' * n, b'\xff' * n]:
                await ws.send(m)
                assert await ws.recv() == m
        await ws.send(['one ', '', '\u20ac', ' three'])
        assert await ws.recv() == 'one \u20ac three'
        await (await ws.ping(b'are you there'))
        await ws.close(4001, 'over')
    say('closed')
    async with connect('/full') as ws:
        try: await ws.recv()
        except websockets.ConnectionClosed as e: say(f'{e.rcvd.code} {e.rcvd.reason}')
    async with connect('/echo') as ws:
        try:
            await ws.send('x' * (2**22 + 1))
            await ws.recv()
        except websockets.ConnectionClosed as e: say(f'{e.rcvd.code} {e.rcvd.reason}')
    try: await connect('/nothing')
    except websockets.InvalidStatusCode as e: say(e.status_code)
asyncio.run(main())
)";

net::http::router routes() {
  net::http::router r;
  r.on(method::get, "/echo", [](exchange& x) {
    auto ws = accept(x, {.protocols = {"chat"}, .connection = patient()});
    EXPECT(ws && ws->protocol == "chat");
    while (auto m = ws->connection.recv()) EXPECT(ws->connection.send(std::move(*m)));
    const ending how = ws->connection.close();
    if (how.own.code == close_code::too_big) return;
    EXPECT(how.in_order());
    EXPECT(how.peer == (close_reason{static_cast<close_code>(4001), "over"}));
  });
  r.on(method::get, "/full", [](exchange& x) {
    auto ws = accept(x, {.connection = patient()});
    EXPECT(ws->connection.close(close_code::try_again_later, "full").in_order());
  });
  return r;
}

}  // namespace

TEST_CASE("as a client of Python's server over TCP and TLS: messages of all sizes and parts and pings and closes") {
  for (const bool with_tls : {false, true}) {
    in_actor([with_tls] {
      const net::tls_client tls(certificates::get().client());
      net::process peer = python((with_tls ? "with_tls = True\n" : "with_tls = False\n") + std::string(server));
      const std::string port = line_of(peer);
      const auto connect_path = [&](std::string_view path) {
        return connect_to(port, path, with_tls ? &tls : nullptr);
      };

      connection echo = connect_path("/echo");
      for (const std::size_t n : {0, 1, 125, 126, 65535, 65536, 3'000'000}) {
        const message m = n % 2 ? message::binary(std::string(n, '\xFF')) : message::text(std::string(n, 'x'));
        CHECK(echo.send(message(m)));
        CHECK((echo.recv() == m));  // in parentheses, or a failure would print megabytes
      }
      CHECK(echo.close(close_code::going_away, "bye").in_order());
      CHECK(line_of(peer) == "1001 bye");

      connection parts = connect_path("/parts");
      CHECK(parts.recv() == message::text("one \xE2\x82\xAC three"));
      CHECK(parts.recv() == message::binary(std::string("\0\xFF", 2)));
      CHECK(parts.recv() == message::text("ponged"));
      CHECK_FALSE(parts.recv());
      const ending how = parts.close();
      CHECK(how.in_order());
      CHECK(how.peer == close_reason{static_cast<close_code>(4001), "over"});

      // What Python finds wrong it says.
      connection wrong = connect_path("/echo");
      CHECK(wrong.send(message::text("\xFF")));
      CHECK_FALSE(wrong.recv());
      CHECK(wrong.close().peer.code == close_code::bad_text);
    });
  }
}

TEST_CASE("as a server of Python's client over TCP and TLS: messages of all sizes and parts and pings and closes") {
  for (const bool with_tls : {false, true}) {
    in_actor([with_tls] {
      const net::tls_server tls(certificates::get().server());
      const net::tcp_listener listener("127.0.0.1:0");
      net::http::server_options o{.on_failure = [](const net::http::handler_failure&) { EXPECT(false); }};
      o.head_time = o.idle_time = o.read_pause = o.write_pause = 10min;
      net::http::server web(routes(), o);
      with_scope([&](scope& s) {
        s.spawn("server", [&] {
          if (!with_tls) return web.serve(listener);
          web.serve(listener, [&](net::stream c) { return net::start_tls(std::move(c), tls, 100s); });
        });
        net::process peer = python((with_tls ? "with_tls = True\n" : "with_tls = False\n") +
                                   ("port = " + std::to_string(listener.port()) + "\n") + client);
        CHECK(line_of(peer) == "closed");
        CHECK(line_of(peer) == "1013 full");
        CHECK(line_of(peer) == "1009 a message must not be longer than this side takes");
        CHECK(line_of(peer) == "404");
        CHECK(peer.wait(100s)->ok());
        web.drain(100s);
      });
    });
  }
}
