// zcat: sends and prints messages over ZeroMQ's sockets, from a shell; any ZeroMQ program may be at the other end.
//
// What each type does is in send_all(), receive_all(), ask(), answer(), send_back() and exchange().
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "examples/zcat/message_text.h"
#include "examples/zcat/options.h"
#include "weir/net/endpoint.h"
#include "weir/net/files/file.h"
#include "weir/net/message.h"
#include "weir/net/pipe.h"
#include "weir/net/socket/dealer_router.h"
#include "weir/net/socket/on_socket.h"
#include "weir/net/socket/pair.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/net/socket/push_pull.h"
#include "weir/net/socket/req_rep.h"
#include "weir/weir.h"

using namespace std::chrono_literals;
using zcat::options;
using zcat::usage_error;
namespace net = weir::net;

namespace {

// Something that ends zcat with status 1.
class failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

weir::deadline limit(const options& o) { return o.timeout ? weir::deadline(*o.timeout) : weir::deadline(); }

// ---- what is sent ----

net::message message_of(const options& o, std::string text) {
  net::message m;
  if (o.type == "pub" && !o.topics.empty()) m.push_back(net::frame(o.topics.front()));
  std::string_view rest = text;
  for (std::size_t tab; o.frames && (tab = rest.find('\t')) != rest.npos; rest.remove_prefix(tab + 1))
    m.push_back(net::frame(rest.substr(0, tab)));
  if (rest.size() < text.size())
    m.push_back(net::frame(rest));
  else
    m.push_back(net::frame(std::move(text)));
  return m;
}

std::string content_of(const std::string& path) {
  net::file file(path);
  std::string all;
  std::array<char, 65536> part;
  while (const net::io_result got = file.read_some(part)) all.append(part.data(), got.bytes);
  return all;
}

// --data or --file, if there is one of them.
std::optional<std::string> fixed_text(const options& o) { return o.file ? content_of(*o.file) : o.data; }

class input {
 public:
  explicit input(const options& o) : options_(o), fixed_(fixed_text(o)) {
    if (fixed_)
      left_ = o.count.value_or(1);
    else
      left_ = o.count.value_or(-1), lines_ = net::standard_input();
  }

  // Empty: that was all. Parks until the next line has come, and for --interval.
  std::optional<net::message> next() {
    if (left_ == 0) return {};
    if (left_ > 0) --left_;
    if (options_.interval > 0ns && !first_) weir::this_actor::sleep(options_.interval);
    first_ = false;
    if (fixed_) return message_of(options_, *fixed_);

    std::string line;
    const net::io_result got = lines_.read_until(line, "\n", std::size_t{64} << 20);
    if (got.status == net::io_status::too_long) throw failure("a line of standard input has more than 64 MiB");
    if (got.status != net::io_status::ok && line.empty()) return left_ = 0, std::nullopt;
    if (line.ends_with('\n')) line.pop_back();
    return message_of(options_, std::move(line));
  }

 private:
  const options& options_;
  std::optional<std::string> fixed_;
  net::stream lines_;
  std::int64_t left_;  // < 0: there is no bound
  bool first_ = true;
};

// ---- what is printed ----

// Lines that are kept until flush(), or until there are many.
class printer {
 public:
  explicit printer(const options& o) : append_(o.json ? zcat::append_json : zcat::append_line) {}

  void print(const net::message& m) {
    append_(text_, m);
    if (text_.size() >= 65536) flush();
  }
  void flush() {
    if (!text_.empty()) out_.expect("write", out_.write_all(text_));
    text_.clear();
  }

 private:
  void (*const append_)(std::string&, const net::message&);
  const net::stream out_ = net::standard_output();
  std::string text_;
};

// ---- the types ----

[[noreturn]] void throw_timeout(const char* what) { throw failure(std::string("--timeout: ") + what); }

template <class Socket>
void send(Socket& to, net::message m, const options& o) {
  if (to.send(std::move(m), limit(o)) == weir::send_status::timeout) throw_timeout("the message could not be sent");
}

// The next message; what has been printed is seen before there is a wait for it.
template <class Socket>
auto receive(const Socket& from, printer& out, const options& o) {
  auto m = from.try_recv();
  if (m.status() != weir::recv_status::empty) return m;
  out.flush();
  m = from.recv(limit(o));
  if (m.status() == weir::recv_status::timeout) throw_timeout("no message came");
  return m;
}

bool more(const options& o, std::int64_t done) { return !o.count || done < *o.count; }

template <class Socket>
void send_all(Socket& out, const options& o) {
  input in(o);
  while (auto m = in.next()) send(out, std::move(*m), o);
}

template <class Socket>
void receive_all(Socket& in, const options& o) {
  printer out(o);
  for (std::int64_t done = 0; more(o, done); ++done) {
    const auto m = receive(in, out, o);
    if (!m) break;
    out.print(*m);
  }
  out.flush();
}

void ask(net::req_socket& questions, const options& o) {
  input in(o);
  printer out(o);
  while (auto m = in.next()) {
    const auto answer = questions.request(std::move(*m), limit(o));
    if (!answer) throw_timeout("no answer came");
    out.print(*answer);
    out.flush();
  }
}

void answer(net::rep_socket& questions, const options& o) {
  const auto text = fixed_text(o);
  printer out(o);
  for (std::int64_t done = 0; more(o, done); ++done) {
    auto q = receive(questions, out, o);
    if (!q) break;
    out.print(q->body());
    q->reply(text ? message_of(o, *text) : q->body().copy());
  }
  out.flush();
}

void send_back(net::router_socket& peers, const options& o) {
  const auto text = fixed_text(o);
  printer out(o);
  for (std::int64_t done = 0; more(o, done); ++done) {
    auto m = receive(peers, out, o);
    if (!m) break;
    out.print(*m);
    if (text) m->back() = net::frame(*text);
    send(peers, std::move(*m), o);
  }
  out.flush();
}

// Sends, and meanwhile prints what comes, until as much has come as was sent.
template <class Socket>
void exchange(Socket& both, const options& o) {
  printer out(o);
  std::int64_t sent = 0, come = 0;
  weir::with_scope([&](weir::scope& s) {
    const auto sender = s.spawn("sender", [&] {
      input in(o);
      for (; auto m = in.next(); ++sent) send(both, std::move(*m), o);
    });
    for (bool sending = true; sending || come < o.count.value_or(sent);) {
      if (auto m = both.try_recv()) {
        out.print(*m), ++come;
        continue;
      }
      out.flush();
      weir::select(weir::on_recv(both,
                                 [&](std::optional<net::message> m) {
                                   if (m) out.print(*m), ++come;
                                 }),
                   weir::on_exit(sender, [&] { sending = false; }).when(sending),
                   weir::after(limit(o), [] { throw_timeout("no message came"); }).when(o.timeout.has_value()));
    }
  });
  out.flush();
}

// ---- the program ----

net::socket_options socket_options(const options& o) {
  net::socket_options made;
  made.identity = o.identity;
  if (o.type == "sub") made.subscribe = o.topics.empty() ? net::endpoint_list{""} : net::endpoint_list(o.topics);
  return made;
}

void print_report(const net::socket_statistics& s, const options& o) {
  std::fprintf(stderr,
               o.json ? "{\"sent\": %ju, \"received\": %ju, \"dropped\": %ju, \"lost\": %ju, \"malformed\": %ju, "
                        "\"connected\": %ju}\n"
                      : "zcat: %ju sent, %ju received, %ju dropped, %ju lost, %ju malformed, %ju connections\n",
               std::uintmax_t{s.sent}, std::uintmax_t{s.received}, std::uintmax_t{s.dropped}, std::uintmax_t{s.lost},
               std::uintmax_t{s.malformed}, std::uintmax_t{s.connected});
}

template <class Socket>
void run(const options& o, void (*talk)(Socket&, const options&)) {
  Socket socket(socket_options(o));
  for (const std::string& at : o.bind) std::fprintf(stderr, "zcat: bound to %s\n", socket.bind(at).c_str());
  for (const std::string& to : o.connect) socket.connect(to);

  const std::string topic = o.topics.empty() ? "" : o.topics.front();
  if constexpr (std::is_same_v<Socket, net::pub_socket>) {
    if (!socket.wait_subscribers(o.peers.value_or(1), topic, limit(o))) throw_timeout("too few subscribers came");
  } else {
    if (!socket.wait_peers(o.peers.value_or(0), limit(o))) throw_timeout("too few peers came");
  }

  talk(socket, o);
  const net::close_result left = socket.close(o.linger);
  if (o.report) print_report(socket.statistics(), o);
  if (!left) throw failure("--linger: " + std::to_string(left.unsent) + " messages could not be sent in that time");
}

void run(const options& o) {
  if (o.type == "push") return run<net::push_socket>(o, send_all);
  if (o.type == "pub") return run<net::pub_socket>(o, send_all);
  if (o.type == "pull") return run<net::pull_socket>(o, receive_all);
  if (o.type == "sub") return run<net::sub_socket>(o, receive_all);
  if (o.type == "req") return run<net::req_socket>(o, ask);
  if (o.type == "rep") return run<net::rep_socket>(o, answer);
  if (o.type == "dealer") return run<net::dealer_socket>(o, exchange);
  if (o.type == "pair") return run<net::pair_socket>(o, exchange);
  if (o.type == "router") return run<net::router_socket>(o, send_back);
  throw usage_error("there is no TYPE \"" + o.type +
                    "\"; expected push, pull, pub, sub, req, rep, dealer, router or pair.");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const options o = zcat::parse_options({argv + 1, argv + argc});
    if (o.help) return std::fputs(zcat::help_text, stdout) < 0 || std::fflush(stdout) != 0 ? 1 : 0;
    return weir::run([&] { run(o); });
  } catch (const usage_error& e) {
    std::fprintf(stderr, "zcat: %s\n", e.what());
    return 2;
  } catch (const net::bad_endpoint& e) {
    std::fprintf(stderr, "zcat: %s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "zcat: %s\n", e.what());
    return 1;
  }
}
