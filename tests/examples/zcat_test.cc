#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/examples/program.h"
#include "tests/testing.h"

using namespace std::chrono_literals;
using testing::content_of;
using testing::outcome;
using testing::program;
using testing::run;
using testing::scratch;
using testing::shell;

namespace {

// An endpoint that no other process knows; in sandboxes tests have the same process number, and share these names.
std::string own_name(const std::string& test) {
  static const std::string chance =
      std::to_string(std::random_device{}()) + "-" + std::to_string(std::random_device{}());
  return "ipc://@zcat-" + chance + "-" + test;
}

// A shell script that knows $at, an endpoint, and zcat.
outcome script(const std::string& test, const std::string& text) {
  return shell("set -eu -o pipefail; at=" + own_name(test) + "; zcat() { examples/zcat \"$@\"; }\n" + text);
}

std::string numbers(int n) {
  std::string lines;
  for (int i = 0; i < n; ++i) lines += std::to_string(i) + '\n';
  return lines;
}

void await(const std::string& path, const std::string& text) {
  while (content_of(path).find(text) == std::string::npos) std::this_thread::sleep_for(10ms);
}

}  // namespace

TEST_CASE("lines of standard input are pushed, and printed as they are pulled") {
  const outcome got = script("push", R"(
seq 0 9999 | zcat push --connect $at &
zcat pull --bind $at --count 10000
wait $!)");
  CHECK(got.status == 0);
  CHECK((got.out == numbers(10'000)));
  CHECK(got.err.starts_with("zcat: bound to ipc://@zcat-"));
}

TEST_CASE("what is published goes to those that have subscribed to it, with its topic before it") {
  // Each publisher waits for a subscriber. Nobody wants c.
  const outcome got = script("pub", R"(
zcat sub --connect $at --topic a --topic b --count 3 &
sub=$!
zcat pub --bind $at --topic b --data two
zcat pub --bind $at --topic c --data three --timeout 1ms && exit 1
zcat pub --bind $at --topic a1 --count 2 --data one
wait $sub)");
  INFO(got.err);
  CHECK(got.status == 0);
  CHECK(got.out == "b\ttwo\na1\tone\na1\tone\n");
}

TEST_CASE("questions are answered: by what came, or by what --data says") {
  const outcome echo = script("echo", R"(
zcat rep --bind $at --count 3 > /dev/null &
printf 'one\ntwo\nthree' | zcat req --connect $at
wait $!)");
  CHECK(echo.status == 0);
  CHECK(echo.out == "one\ntwo\nthree\n");
  const outcome fixed = script("fixed", R"(
zcat req --connect $at --data question --count 2 > /dev/null &
zcat rep --bind $at --count 2 --data answer
zcat router --bind $at-2 --count 2 --data answer > /dev/null &
zcat req --connect $at-2 --data question --count 2)");
  CHECK(fixed.status == 0);
  CHECK(fixed.out == "question\nquestion\nanswer\nanswer\n");
}

TEST_CASE("a dealer's messages come back from a router, and two of a pair talk") {
  const outcome dealer = script("dealer", R"(
zcat router --bind $at --count 1000 | tail -n 1 &
seq 1000 | zcat dealer --connect $at --identity me | tail -n 1
wait $!)");
  CHECK(dealer.status == 0);
  CHECK((dealer.out == "me\t1000\n1000\n" || dealer.out == "1000\nme\t1000\n"));
  const outcome pair = script("pair", R"(
printf 'a\tb\n' | zcat pair --bind $at --frames --json &
zcat pair --connect $at --data there
wait $!)");
  CHECK(pair.status == 0);
  CHECK((pair.out == "a\tb\n{\"frames\": [\"there\"]}\n" || pair.out == "{\"frames\": [\"there\"]}\na\tb\n"));
}

TEST_CASE("--json prints text as it is, and what is none in hexadecimal") {
  const outcome got = script("json", R"(
printf 'a"\\\001\t\303\244\n\377\t\355\240\200\n\n' | zcat push --connect $at --frames &
zcat pull --bind $at --count 3 --json)");
  CHECK(got.out ==
        "{\"frames\": [\"a\\\"\\\\\\u0001\", \"ä\"]}\n{\"frames\": [{\"hex\": \"ff\"}, {\"hex\": \"eda080\"}]}\n"
        "{\"frames\": [\"\"]}\n");
}

TEST_CASE("a file is one message") {
  const scratch folder;
  const std::string path = folder.file("data", std::string(200'000, 'x') + "\n");
  const outcome got = script("file", "zcat push --connect $at --file " + path +
                                         " --count 2 --interval 1ms &\n"
                                         "zcat pull --bind $at --count 2 | wc -c");
  CHECK(got.out == "400004\n");
}

TEST_CASE("zcat says why it cannot go on, and what it has counted") {
  const auto err = [](std::vector<std::string> arguments, int status) {
    arguments.insert(arguments.begin(), "examples/zcat");
    const outcome got = run(std::move(arguments));
    CHECK(got.status == status);
    return got.err;
  };
  const std::string at = own_name("nobody");
  CHECK(err({"push", "--connect", at, "--data", "x", "--linger", "1ms"}, 1) ==
        "zcat: --linger: 1 messages could not be sent in that time\n");
  CHECK(err({"pull", "--connect", at, "--timeout", "1ms"}, 1) == "zcat: --timeout: no message came\n");
  CHECK(err({"req", "--connect", at, "--timeout", "1ms", "--data", "x", "--linger", "0s"}, 1) ==
        "zcat: --timeout: no answer came\n");
  CHECK(err({"pub", "--connect", at, "--timeout", "1ms", "--data", "x"}, 1) ==
        "zcat: --timeout: too few subscribers came\n");
  CHECK(err({"pub", "--connect", at, "--peers", "0", "--data", "x", "--report"}, 0) ==
        "zcat: 0 sent, 0 received, 0 dropped, 0 lost, 0 malformed, 0 connections\n");
  CHECK(err({"pull", "--connect", "tcp://x"}, 2) ==
        "zcat: endpoint \"tcp://x\": expected \":PORT\" after the host; found the end (column 8)\n");
  CHECK(err({"push"}, 2) == "zcat: expected --bind or --connect, and where. See --help.\n");
  CHECK(err({"pull", "--bind", at, "--count", "x"}, 2) ==
        "zcat: --count takes a whole number from 0 on; got \"x\". See --help.\n");
  CHECK(err({"pull", "--bind", at, "--timeout", "5"}, 2) ==
        "zcat: --timeout takes a time, as in 10ms, 1.5s or 2m; got \"5\". See --help.\n");
  CHECK(err({"put", "--bind", at}, 2) ==
        "zcat: there is no TYPE \"put\"; expected push, pull, pub, sub, req, rep, dealer, router or pair.\n");
}

TEST_CASE("zcat and libzmq: a peer that is stopped in the middle of many messages loses none, in either direction") {
  // 10^6 in the nightly lane. Never so few that libzmq could have taken in all of them before the program reads the
  // half.
  const std::string n = std::to_string(std::max(testing::rounds(10'000), 10'000));
  const scratch folder;
  const std::string log = folder / "log";
  const std::string socket =
      "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})\nimport zmq\ns = "
      "zmq.Context().socket(zmq.KIND)\ns.RCVTIMEO = s.SNDTIMEO = 60_000\n";
  const auto python = [&](std::string code, const std::string& kind) {
    code = socket + code + "s.context.destroy(linger=60_000)\n";  // what libzmq has not sent would go with Python
    code.replace(code.find("KIND"), 4, kind);
    return std::vector<std::string>{"/usr/bin/python3", "-I", "-c", code};
  };
  // It waits there for the SIGCONT: so that is where it was stopped, however slow this side is.
  const std::string half =
      "  if i == " + n + " // 2:\n    print('half', flush=True)\n    signal.sigwait({signal.SIGCONT})\n";
  const auto stop_a_while = [&](const program& peer, const program& zcat) {
    await(log, "half\n");
    peer.send(SIGSTOP);
    int status = 0;
    CHECK(waitpid(peer.pid(), &status, WUNTRACED) == peer.pid());
    CHECK(WIFSTOPPED(status));
    std::this_thread::sleep_for(std::getenv("WEIR_NIGHTLY") ? 1000ms : 100ms);
    CHECK(waitpid(zcat.pid(), nullptr, WNOHANG) == 0);  // it has not ended without its peer
    peer.send(SIGCONT);
  };
  SECTION("to it") {
    const std::string at = own_name("to");
    program peer(
        python("s.bind('" + at + "')\nfor i in range(" + n + "):\n  assert int(s.recv()) == i\n" + half, "PULL"), log);
    program zcat({"/bin/bash", "-c", "seq 0 $((" + n + " - 1)) | examples/zcat push --linger 60s --connect " + at});
    stop_a_while(peer, zcat);
    CHECK(zcat.wait().status == 0);
    const outcome got = peer.wait();
    INFO(got.err);
    CHECK(got.status == 0);
  }
  SECTION("from it") {
    const std::string at = own_name("from");
    program peer(python("s.connect('" + at + "')\nfor i in range(" + n + "):\n  s.send(b'%d' % i)\n" + half, "PUSH"),
                 log);
    program zcat({"examples/zcat", "pull", "--bind", at, "--count", n}, folder / "out");
    stop_a_while(peer, zcat);
    const outcome got = zcat.wait();
    INFO(got.err);
    CHECK(got.status == 0);
    CHECK(peer.wait().status == 0);
    CHECK((content_of(folder / "out") == numbers(std::stoi(n))));
  }
}

TEST_CASE("work_queue: workers are killed and each task is done once all the same") {
  const outcome none = run({"examples/work_queue", "2", "1000"});
  INFO(none.err);
  CHECK(none.status == 0);
  CHECK(none.out == "1000 tasks done by 2 workers, of whom 0 were killed: 59431 steps\n");
  const outcome two = run({"examples/work_queue", "3", "1000", "2"});
  CHECK(two.status == 0);
  CHECK(two.out == "1000 tasks done by 3 workers, of whom 2 were killed: 59431 steps\n");
}
