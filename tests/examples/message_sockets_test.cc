// The examples of message sockets that are more than one program, or one program with several sockets.
#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstddef>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/examples/program.h"

using namespace std::chrono_literals;
using Catch::Contains;
using testing::content_of;
using testing::outcome;
using testing::program;
using testing::run;
using testing::scratch;

namespace {

// An endpoint that no other process knows; in sandboxes tests have the same process number, and share these names.
std::string own_name(const std::string& what) {
  static const std::string chance =
      std::to_string(std::random_device{}()) + "-" + std::to_string(std::random_device{}());
  return "ipc://@example-" + chance + "-" + what;
}

// At its end it waits until libzmq has sent everything: Python alone would end with what its thread still has.
std::vector<std::string> python(const std::string& code) {
  return {"/usr/bin/python3", "-I", "-c",
          "import zmq\ndef sock(kind):\n  s = zmq.Context.instance().socket(kind)\n"
          "  s.RCVTIMEO = s.SNDTIMEO = 60_000\n  return s\n" +
              code + "\nzmq.Context.instance().destroy(linger=60_000)\n"};
}

// Until the file has it; the test's time limit is the limit.
void await(const std::string& path, const std::string& text) {
  while (content_of(path).find(text) == std::string::npos) std::this_thread::sleep_for(10ms);
}

// "100 questions: 90 answered, 10 late, 0 wrong".
struct tally {
  int questions = -1, answered = -1, late = -1, wrong = -1;
  explicit tally(const std::string& line) {
    std::sscanf(line.c_str(), "%d questions: %d answered, %d late, %d wrong", &questions, &answered, &late, &wrong);
  }
};

}  // namespace

TEST_CASE("telemetry: what was dropped is what was sent less what was received, under each policy") {
  const outcome done = run({"examples/telemetry", "2000"});
  INFO(done.out + done.err);
  CHECK(done.status == 0);
  std::istringstream lines(done.out);
  std::string line;
  for (const std::string policy : {"drop_newest", "drop_oldest", "block"}) {
    REQUIRE(std::getline(lines, line));
    CHECK(line.starts_with(policy + ": 2000 readings published in "));
    for (const std::string who : {"fast", "slow"}) {
      std::size_t received = 0, dropped = 0;
      REQUIRE(std::getline(lines, line));
      CHECK(std::sscanf(line.c_str(), ("  " + who + ": %zu received + %zu dropped").c_str(), &received, &dropped) == 2);
      CHECK(received + dropped == 2000);
      if (policy == "block") CHECK(dropped == 0);
    }
  }
  REQUIRE(std::getline(lines, line));
  CHECK(line.starts_with("disconnect: 2000 readings"));
  CHECK(run({"examples/telemetry", "0"}).err ==
        "telemetry: takes the number of readings, from 1; got \"0\". Write: telemetry 5000\n");
}

TEST_CASE("rpc: questions that are answered in time are, and each of the others is late by itself") {
  const outcome done = run({"examples/rpc", "500", "200"});
  INFO(done.out + done.err);
  CHECK(done.status == 0);
  const tally told(done.out);
  CHECK(told.questions == 500);
  CHECK(told.answered + told.late == 500);
  CHECK(told.late >= 50);  // those that take an hour, and whatever this machine was too slow for
  CHECK(told.wrong == 0);

  const outcome bad = run({"examples/rpc", "many"});
  CHECK(bad.err == "rpc: QUESTIONS and LIMIT_MS are whole numbers from 1 to 1000000; got \"many\". See rpc --help.\n");
  CHECK(bad.status == 2);
}

TEST_CASE("rpc asks libzmq, which has all questions before it answers the last of them first") {
  const std::string at = own_name("ask");
  program answers(python("s = sock(zmq.ROUTER)\ns.bind('" + at +
                         "')\nwaiting = [s.recv_multipart() for _ in range(50)]\nfor m in reversed(waiting):\n"
                         "  m[-1] = b'%d' % int(m[-1])**2\n  s.send_multipart(m)\n"));
  const outcome asked = run({"examples/rpc", "ask", at, "50", "60000"});
  CHECK(asked.out == "50 questions: 50 answered, 0 late, 0 wrong\n");
  CHECK(asked.status == 0);
  const outcome said = answers.wait();
  INFO(said.err);
  CHECK(said.status == 0);
}

TEST_CASE("broker: clients and workers find each other, and what passes is shown") {
  const scratch folder;
  const std::string clients = own_name("clients"), workers = own_name("workers"), shown = own_name("shown");
  program broker({"examples/broker", clients, workers, shown}, folder / "broker");
  await(folder / "broker", "shown at " + shown + "\n");
  program worker({"examples/rpc", "work", workers}), other({"examples/rpc", "work", workers});
  program looks_on({"examples/zcat", "sub", "--json", "--connect", shown}, folder / "seen");
  std::string seen;
  // Over and over, as nobody knows when the one that looks on is there.
  while (seen.find("\"\", \"9\"]}\n") == seen.npos || seen.find("\"\", \"81\"]}\n") == seen.npos) {
    const outcome asked = run({"examples/rpc", "ask", clients, "9", "60000"});
    INFO(asked.err);
    REQUIRE(asked.out == "9 questions: 9 answered, 0 late, 0 wrong\n");
    seen = content_of(folder / "seen");
  }
  for (program* p : {&worker, &other, &looks_on}) {
    p->send(SIGTERM);
    CHECK(p->wait().status == 143);
  }
  broker.send(SIGTERM);
  CHECK(broker.wait().status == 0);
  CHECK_THAT(content_of(folder / "broker"), Contains("; dropped, as the client had gone or did not read: 0\n"));
  CHECK(run({"examples/broker", clients}).err == "broker: takes two or three endpoints; got 1. See broker --help.\n");
}

TEST_CASE("broker: clients and workers may be programs of libzmq") {
  const scratch folder;
  const std::string clients = own_name("zmq-clients"), workers = own_name("zmq-workers");
  program broker({"examples/broker", clients, workers}, folder / "broker");
  program worker(python("s = sock(zmq.REP)\ns.connect('" + workers +
                        "')\nfor i in range(18): s.send(b'%d' % int(s.recv())**2)\n"));
  CHECK(run({"examples/rpc", "ask", clients, "9", "60000"}).out == "9 questions: 9 answered, 0 late, 0 wrong\n");
  const outcome asked =
      run(python("s = sock(zmq.REQ)\ns.connect('" + clients +
                 "')\nfor i in range(1, 10):\n  s.send(b'%d' % i)\n  assert s.recv() == b'%d' % i**2\n"));
  INFO(asked.err);
  CHECK(asked.status == 0);
  CHECK(worker.wait().status == 0);
  broker.send(SIGTERM);
  CHECK(broker.wait().status == 0);
  CHECK_THAT(content_of(folder / "broker"), Contains("18 questions, 18 answers; dropped"));
}
