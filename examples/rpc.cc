// rpc: many questions at once over one REQ socket, each with a limit of its own; REP hands them to an actor each, and
// the answers come as they are ready. An answer that is late is an error of its question, and of no other.
//   rpc                           both sides in this process; rpc --help: what else
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "weir/net/message.h"
#include "weir/net/socket/req_rep.h"
#include "weir/weir.h"

using namespace std::chrono_literals;
namespace net = weir::net;

namespace {

const char* const help = R"(Usage: rpc [QUESTIONS [LIMIT_MS]]                both sides in this process
       rpc serve ENDPOINT                        answers who connects there, until Ctrl-C
       rpc work ENDPOINT                         the same behind a broker, to which it connects
       rpc ask ENDPOINT [QUESTIONS [LIMIT_MS]]   asks whoever answers there

Asks for the squares of 1 to QUESTIONS (default: 1000), all at once, and gives each of them
LIMIT_MS (default: 500). The server takes an hour for every tenth.)";

// The service: squares. For every tenth number it takes an hour.
std::string answer_to(std::string_view question) {
  std::size_t n = 0;
  const auto [stopped, error] = std::from_chars(question.data(), question.data() + question.size(), n);
  if (error != std::errc() || stopped != question.data() + question.size()) return "that is no number";
  weir::this_actor::sleep(n % 10 == 0 ? weir::deadline(1h) : weir::deadline(std::chrono::milliseconds(n % 7)));
  return std::to_string(n * n);
}

void serve(const net::rep_socket& rep) {
  weir::with_scope([&](weir::scope& s) {
    for (net::request& q : rep)
      s.spawn("answer", [q = std::move(q)]() mutable { q.reply(answer_to(q.body().text())); });
    s.cancel();  // the socket is closed: nobody could get what is not answered yet
  });
}

int ask(const std::string& at, std::size_t questions, std::chrono::milliseconds limit) {
  const net::req_socket req({.connect = at});
  std::atomic<std::size_t> answered{0}, late{0}, wrong{0};
  const auto begin = std::chrono::steady_clock::now();
  weir::with_scope([&](weir::scope& s) {
    for (std::size_t n = 1; n <= questions; ++n)
      s.spawn("question", [&, n] {
        auto answer = req.request(std::to_string(n), limit);
        ++(!answer ? late : answer->text() == std::to_string(n * n) ? answered : wrong);
      });
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%zu questions: %zu answered, %zu late, %zu wrong\n", questions, answered.load(), late.load(),
              wrong.load());
  std::fprintf(stderr, "rpc: that took %.2f s\n", took.count());
  return wrong == 0 ? 0 : 1;
}

int both(std::size_t questions, std::chrono::milliseconds limit) {
  net::rep_socket rep({.bind = "inproc://squares"});
  int status = 0;
  weir::with_scope([&](weir::scope& s) {
    s.spawn("server", [&] { serve(rep); });
    status = ask("inproc://squares", questions, limit);
    rep.close();
  });
  return status;
}

std::size_t number(int argc, char** argv, int at, std::size_t otherwise) {
  if (at >= argc) return otherwise;
  const std::string_view text = argv[at];
  std::size_t value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stopped != text.data() + text.size() || value == 0 || value > 1'000'000)
    throw std::invalid_argument("QUESTIONS and LIMIT_MS are whole numbers from 1 to 1000000; got \"" +
                                std::string(text) + "\". See rpc --help.");
  return value;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1 && argv[1] == std::string_view("--help")) return std::puts(help) < 0;
  const std::string_view mode = argc > 2 ? argv[1] : "";
  if (mode == "serve" || mode == "work")
    return weir::run([&] {
      net::rep_socket rep;
      if (mode == "serve")
        std::printf("listening on %s\n", rep.bind(argv[2]).c_str());
      else
        rep.connect(argv[2]);
      std::fflush(stdout);
      serve(rep);
    });
  const int first = mode == "ask" ? 3 : 1;
  const std::size_t questions = number(argc, argv, first, 1000);
  const std::chrono::milliseconds limit(number(argc, argv, first + 1, 500));
  return weir::run([&] { return mode == "ask" ? ask(argv[2], questions, limit) : both(questions, limit); });
} catch (const std::invalid_argument& e) {
  std::fprintf(stderr, "rpc: %s\n", e.what());
  return 2;
} catch (const std::exception& e) {
  std::fprintf(stderr, "rpc: %s\n", e.what());
  return 1;
}
