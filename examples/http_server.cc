// An HTTP server: a JSON API for notes, and a page that shows and adds them. Ctrl-C or SIGTERM ends it, when the
// requests in flight have been answered.
//   http_server [ENDPOINT]        try: curl http://127.0.0.1:8080/notes -d 'buy milk'
#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "weir/net/http/server.h"
#include "weir/net/tcp.h"
#include "weir/runtime/sync/mutex.h"
#include "weir/weir.h"

using namespace std::chrono_literals;
namespace http = weir::net::http;

namespace {

constexpr std::size_t longest = 1000, most = 1000;

const char* const page = R"(<!doctype html>
<html lang="en"><meta charset="utf-8"><title>notes</title>
<style>body { font: 1rem sans-serif; max-width: 40rem; margin: 2rem auto } li button { margin-left: 1rem }</style>
<h1>Notes</h1>
<form><input name="text" autofocus required maxlength="1000" placeholder="another one"> <button>add</button></form>
<ul></ul><p id="state"></p>
<script>
const show = async () => {
  const notes = await (await fetch("/notes")).json();
  document.querySelector("ul").replaceChildren(...notes.map(({id, text}) => {
    const li = document.createElement("li"), gone = document.createElement("button");
    li.textContent = text;
    gone.textContent = "done";
    gone.onclick = () => fetch("/notes/" + id, {method: "DELETE"}).then(show);
    li.append(gone);
    return li;
  }));
  document.querySelector("#state").textContent = notes.length + (notes.length === 1 ? " note" : " notes");
};
document.querySelector("form").onsubmit = async (e) => {
  e.preventDefault();
  await fetch("/notes", {method: "POST", body: new FormData(e.target).get("text")});
  e.target.reset();
  show();
};
show();
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

class notebook {
 public:
  std::string all() {
    const std::lock_guard guard(mutex_);
    std::string list;
    for (const auto& [id, text] : notes_)
      list += fmt::format("{}\n  {{\"id\": {}, \"text\": {}}}", list.empty() ? "" : ",", id, json(text));
    return list.empty() ? "[]\n" : "[" + list + "\n]\n";
  }
  int add(std::string text) {
    const std::lock_guard guard(mutex_);
    if (notes_.size() >= most) throw http::status_error(http::status::conflict, "The notebook is full.");
    notes_[next_] = std::move(text);
    return next_++;
  }
  bool remove(const std::string& id) {
    const std::lock_guard guard(mutex_);
    return std::erase_if(notes_, [&](const auto& note) { return std::to_string(note.first) == id; }) > 0;
  }

 private:
  weir::mutex mutex_;
  std::map<int, std::string> notes_;  // guarded by mutex_, as is:
  int next_ = 1;
};

http::router routes(notebook& notes) {
  http::router r;
  r.on(http::method::get, "/",
       [](http::exchange& x) { x.respond(http::status::ok, page, "text/html; charset=utf-8"); });
  r.on(http::method::get, "/notes",
       [&](http::exchange& x) { x.respond(http::status::ok, notes.all(), "application/json"); });
  r.on(http::method::post, "/notes", [&](http::exchange& x) {
    const int id = notes.add(x.read_body(longest));  // a longer one is answered with 413
    x.respond({.status = http::status::created,
               .headers = {{"Location", fmt::format("/notes/{}", id)}, {"Content-Type", "application/json"}},
               .body = fmt::format("{{\"id\": {}}}\n", id)});
  });
  r.on(http::method::delete_, "/notes/{id}", [&](http::exchange& x) {
    if (!notes.remove(x.parameter("id"))) throw http::status_error(http::status::not_found, "There is no such note.");
    x.respond({.status = http::status::no_content});
  });
  return r;
}

}  // namespace

int main(int argc, char** argv) try {
  return weir::run([&] {
    const weir::net::tcp_listener listener(argc > 1 ? argv[1] : "127.0.0.1:8080");
    std::printf("listening on %s\n", listener.name().c_str());
    std::fflush(stdout);
    notebook notes;
    http::server web(routes(notes));
    weir::with_scope([&](weir::scope& s) {
      s.spawn("web", [&] { web.serve(listener); });
      weir::select(weir::on_signal(SIGINT, [] {}), weir::on_signal(SIGTERM, [] {}));
      web.drain(5s);
    });
    const http::server_statistics seen = web.statistics();
    std::printf("%llu requests on %llu connections\n", static_cast<unsigned long long>(seen.requests),
                static_cast<unsigned long long>(seen.connections));
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "http_server: %s\n", e.what());
  return 1;
}
