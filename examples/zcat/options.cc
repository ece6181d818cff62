#include "examples/zcat/options.h"

#include <array>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

namespace zcat {

const char* const help_text =
    R"(Usage: zcat TYPE --bind ENDPOINT | --connect ENDPOINT [options]

Sends and prints messages. TYPE is one of
  push, pub            send
  pull, sub            print what comes
  req                  sends each message as a question, and prints its answer
  rep                  prints each question, and answers it
  dealer, pair         send, and print what comes
  router               prints what comes, identity first, and sends it back

ENDPOINT is tcp://HOST:PORT, ipc://PATH, ipc://@NAME; both options may be given
several times. Where it is bound is printed to standard error.

What is sent, and answered:
  --data TEXT          this
  --file FILE          what is in that file, as one message
                       without either: each line of standard input; an answer is
                       what came
  --topic T            pub: the first frame of each message; sub: what to subscribe
                       to, may be given several times (default: everything)
  --frames             a tab in a line or TEXT stands between two frames
  --count N            end after N messages: sent (push, pub), come (pull, sub, rep,
                       router) or both; N with --data or --file is 1 by default
  --interval D         so long between two, as in 10ms, 1.5s, 2m

  --identity ID        req, dealer, router: who this is for a ROUTER
  --peers N            wait for N peers before the first message; pub: for N that
                       want it (default for pub: 1, else: 0)
  --timeout D          give up when nothing comes, or can be sent, for so long
  --linger D           how long to wait at the end for what is unsent (default: 10s)
  --json               print each message as {"frames": [...]}, a frame that is not
                       UTF-8 as {"hex": "..."}
  --report             at the end, print what was counted to standard error
  --help               this text

Messages are printed as lines, with a tab between two frames.

Exit status: 0; 1 if something could not be read, written or sent, or --timeout
came; 2 for bad options; 130 if Ctrl-C stopped it.
)";

namespace {

std::int64_t number(const std::string& option, std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < 0)
    throw usage_error(option + " takes a whole number from 0 on; got \"" + std::string(text) + "\". See --help.");
  return value;
}

std::chrono::nanoseconds duration(const std::string& option, std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 5> units{
      {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  const std::string_view unit(stopped, static_cast<std::size_t>(end - stopped));
  if (error == std::errc() && value >= 0 && value < 1e6)
    for (const auto& [name, size] : units)
      if (unit == name) return std::chrono::nanoseconds(static_cast<std::int64_t>(value * size));
  throw usage_error(option + " takes a time, as in 10ms, 1.5s or 2m; got \"" + std::string(text) + "\". See --help.");
}

}  // namespace

options parse_options(const std::vector<std::string>& arguments) {
  options o;
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    if (!at->starts_with("--") && o.type.empty()) {
      o.type = *at;
      continue;
    }
    // "--count=5" is "--count 5".
    const std::size_t equals = at->find('=');
    const std::string name = at->substr(0, equals);
    const auto value = [&]() -> std::string {
      if (equals != std::string::npos) return at->substr(equals + 1);
      if (at + 1 == arguments.end()) throw usage_error(name + " takes a value, and none follows. See --help.");
      return *++at;
    };
    const auto flag = [&](bool& which) {
      if (equals != std::string::npos) throw usage_error(name + " takes no value. Write " + name + ".");
      which = true;
    };
    if (name == "--bind")
      o.bind.push_back(value());
    else if (name == "--connect")
      o.connect.push_back(value());
    else if (name == "--topic")
      o.topics.push_back(value());
    else if (name == "--data")
      o.data = value();
    else if (name == "--file")
      o.file = value();
    else if (name == "--count")
      o.count = number(name, value());
    else if (name == "--peers")
      o.peers = static_cast<std::size_t>(number(name, value()));
    else if (name == "--interval")
      o.interval = duration(name, value());
    else if (name == "--timeout")
      o.timeout = duration(name, value());
    else if (name == "--linger")
      o.linger = duration(name, value());
    else if (name == "--identity")
      o.identity = value();
    else if (name == "--frames")
      flag(o.frames);
    else if (name == "--json")
      flag(o.json);
    else if (name == "--report")
      flag(o.report);
    else if (name == "--help")
      flag(o.help);
    else
      throw usage_error("there is no option " + *at + ". See --help.");
  }
  if (o.help) return o;
  if (o.type.empty()) throw usage_error("expected a TYPE: push, pull, pub, sub, req, rep, dealer, router, pair.");
  if (o.bind.empty() && o.connect.empty()) throw usage_error("expected --bind or --connect, and where. See --help.");
  if (o.data && o.file) throw usage_error("--data and --file exclude each other.");
  if (!o.topics.empty() && o.type != "sub" && (o.type != "pub" || o.topics.size() > 1))
    throw usage_error("--topic is for sub, and once for pub.");
  return o;
}

}  // namespace zcat
