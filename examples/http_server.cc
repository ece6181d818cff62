// An HTTP server: a JSON API for notes, and a page that shows and adds them, and hears by WebSocket of what others do.
// Ctrl-C or SIGTERM ends it, when the requests in flight have been answered.
//   http_server [ENDPOINT]        try: curl http://127.0.0.1:8080/notes -d 'buy milk'
#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "weir/net/http/server.h"
#include "weir/net/tcp.h"
#include "weir/net/websocket/server.h"
#include "weir/weir.h"

using namespace std::chrono_literals;
namespace http = weir::net::http;
namespace websocket = weir::net::websocket;

namespace {

constexpr std::size_t longest = 1000, most = 1000;

const char* const page = R"(<!doctype html>
<html lang="en"><meta charset="utf-8"><title>notes</title><link rel="icon" href="data:,">
<style>body { font: 1rem sans-serif; max-width: 40rem; margin: 2rem auto } li button { margin-left: 1rem }</style>
<h1>Notes</h1>
<form><input name="text" autofocus required maxlength="1000" placeholder="another one"> <button>add</button></form>
<ul></ul><p id="state"></p><p id="live"></p>
<script>
const say = (where, text) => { document.querySelector(where).textContent = text };
const show = (notes) => {
  document.querySelector("ul").replaceChildren(...notes.map(({id, text}) => {
    const li = document.createElement("li"), gone = document.createElement("button");
    li.textContent = text;
    gone.textContent = "done";
    gone.onclick = () => fetch("/notes/" + id, {method: "DELETE"});
    li.append(gone);
    return li;
  }));
  say("#state", notes.length + (notes.length === 1 ? " note" : " notes"));
};
document.querySelector("form").onsubmit = async (e) => {
  e.preventDefault();
  await fetch("/notes", {method: "POST", body: new FormData(e.target).get("text")});
  e.target.reset();
};
const listen = () => {
  const live = new WebSocket(location.href.replace("http", "ws") + "live");
  live.onmessage = ({data}) => {
    const {notes, requests, open} = JSON.parse(data);
    if (notes) show(notes);
    else say("#live", `${requests} requests so far, ${open} open connections`);
  };
  live.onclose = () => { say("#live", "not connected"); setTimeout(listen, 1000) };
};
listen();
</script>
</html>
)";

std::string json(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + "\"";
}

// A watch: it is changed by one at a time, and who shows it hears of each change.
class notebook {
 public:
  using list = std::map<int, std::string>;

  int add(std::string text) {
    int id = 0;
    notes_.tx.update([&](list& all) {
      if (all.size() >= most) throw http::status_error(http::status::conflict, "The notebook is full.");
      id = next_++;
      all[id] = std::move(text);
    });
    return id;
  }
  bool remove(const std::string& id) {
    return notes_.tx.update([&](list& all) {
      return std::erase_if(all, [&](const auto& note) { return std::to_string(note.first) == id; }) > 0;
    });
  }
  std::string text() const {
    const auto all = notes_.tx.get();
    std::string out;
    for (const auto& [id, text] : *all)
      out += fmt::format("{}\n  {{\"id\": {}, \"text\": {}}}", out.empty() ? "" : ",", id, json(text));
    return out.empty() ? "[]\n" : "[" + out + "\n]\n";
  }
  weir::watch_receiver<list> changes() const { return notes_.tx.subscribe(); }

 private:
  weir::watch_ends<list> notes_ = weir::watch(list());
  int next_ = 1;  // update()'s
};

// The notes whenever they change, and twice a second what the server has done, until the page is closed.
void live(http::exchange& x, const notebook& notes, const std::function<http::server_statistics()>& seen) {
  auto ws = websocket::accept(x);
  if (!ws) return;
  const websocket::connection& peer = ws->connection;
  const auto changes = notes.changes();
  const auto tell = [&](std::string text) { return peer.send(websocket::message::text(std::move(text))); };
  const auto tell_notes = [&](auto) { return tell("{\"notes\": " + notes.text() + "}"); };
  const auto tell_counters = [&] {
    const http::server_statistics now = seen();
    return tell(fmt::format("{{\"requests\": {}, \"open\": {}}}", now.requests, now.open));
  };
  weir::ticker tick(500ms);
  bool on = tell_notes(0) && tell_counters();
  while (on && !x.draining())
    on = weir::select(weir::on_change(changes, tell_notes), weir::on_tick(tick, tell_counters),
                      websocket::on_message(peer, [](auto said) { return said.has_value(); }));
  ws->connection.close(websocket::close_code::going_away);
}

http::router routes(notebook& notes, const std::function<http::server_statistics()>& seen) {
  http::router r;
  r.on(http::method::get, "/",
       [](http::exchange& x) { x.respond(http::status::ok, page, "text/html; charset=utf-8"); });
  r.on(http::method::get, "/notes",
       [&](http::exchange& x) { x.respond(http::status::ok, notes.text(), "application/json"); });
  r.on(http::method::post, "/notes", [&](http::exchange& x) {
    std::string text = x.read_body(longest);  // a longer one is answered with 413
    if (!websocket::is_utf8(text))            // which would cost all pages their connections
      throw http::status_error(http::status::unprocessable_content, "A note is text in UTF-8.");
    const int id = notes.add(std::move(text));
    x.respond({.status = http::status::created,
               .headers = {{"Location", fmt::format("/notes/{}", id)}, {"Content-Type", "application/json"}},
               .body = fmt::format("{{\"id\": {}}}\n", id)});
  });
  r.on(http::method::delete_, "/notes/{id}", [&](http::exchange& x) {
    if (!notes.remove(x.parameter("id"))) throw http::status_error(http::status::not_found, "There is no such note.");
    x.respond({.status = http::status::no_content});
  });
  r.on(http::method::get, "/live", [&notes, seen](http::exchange& x) { live(x, notes, seen); });
  return r;
}

}  // namespace

int main(int argc, char** argv) try {
  return weir::run([&] {
    const weir::net::tcp_listener listener(argc > 1 ? argv[1] : "127.0.0.1:8080");
    std::printf("listening on %s\n", listener.name().c_str());
    std::fflush(stdout);
    notebook notes;
    std::optional<http::server> web;
    web.emplace(routes(notes, [&] { return web->statistics(); }));
    weir::with_scope([&](weir::scope& s) {
      s.spawn("web", [&] { web->serve(listener); });
      weir::select(weir::on_signal(SIGINT, [] {}), weir::on_signal(SIGTERM, [] {}));
      web->drain(30s);
    });
    const http::server_statistics seen = web->statistics();
    std::printf("%llu requests on %llu connections\n", static_cast<unsigned long long>(seen.requests),
                static_cast<unsigned long long>(seen.connections));
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "http_server: %s\n", e.what());
  return 1;
}
