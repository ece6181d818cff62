#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "tests/examples/program.h"

using testing::content_of;
using testing::outcome;
using testing::run;
using testing::scratch;
using testing::shell;

namespace {

// A folder with the programs that bench/run would build, `core` being the one given.
void provide(const scratch& programs, const std::string& core) {
  std::filesystem::create_symlink(std::filesystem::absolute(core), programs / "core");
  std::filesystem::create_symlink(std::filesystem::absolute("bench/floors"), programs / "floors");
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("bench/run measures a workload and prints it as a table and as JSON") {
  if (testing::sanitized) return;  // of the floors the bare switch is not for sanitizers
  scratch dir;
  provide(dir, "bench/core");
  const auto done = run({"bench/run", "--quick", "--only", "switch", "--json", dir / "json", "--programs", dir / ""});
  INFO(done.out << done.err);
  REQUIRE(done.status == 0);
  CHECK(done.err.empty());
  CHECK(count(done.out, "raw_switch") == 1);
  CHECK(count(done.out, "<= 20") == 1);
  std::istringstream table(done.out);
  for (std::string line; std::getline(table, line);) CHECK(line.size() <= 120);

  const std::string json = content_of(dir / "json");
  for (const std::string part :
       {R"({"workload": "raw_switch", "workers": 1, "system": "floor", "metric": "time", "value": )",
        R"({"workload": "switch", "workers": 1, "system": "weir", "metric": "time", "value": )",
        R"({"workload": "switch", "workers": 2, "system": "weir", "metric": "time", "value": )"})
    CHECK(count(json, part) == 1);
  CHECK(count(json, R"("unit": "ns", "better": "lower", "spread": )") == 3);
  CHECK(count(json, "\n") == 3);
}

TEST_CASE("work that was not done is a failure and never a figure") {
  if (testing::sanitized) return;
  scratch dir;
  provide(dir, "tests/bench/false_figures");
  const auto done = run(
      {"bench/run", "--quick", "--only", "switch,pingpong,ring,spawn", "--json", dir / "json", "--programs", dir / ""});
  INFO(done.out << done.err);
  CHECK(done.status == 1);
  CHECK(count(done.out, "FAILED") == 6);
  CHECK(count(done.out, "MISSED  ") + count(done.out, "MISSED\n") >= 8);
  CHECK(count(done.err, "FAILED: pingpong, 1 workers, weir: pingpong: the sum of what came back is 41, not 42\n") == 1);
  CHECK(count(done.err, "FAILED: ring, 2 workers, weir: ring: no memory for a ring\n") == 1);
  CHECK(count(done.err, "FAILED: spawn, 1 workers, weir: did not print time\n") == 1);
  CHECK(count(content_of(dir / "json"), R"("system": "weir")") == 2);  // switch
}

TEST_CASE("the runner's list and the programs name the same workloads") {
  const auto listed = shell(
      "cd bench && python3 -B -c 'import workloads as w\n"
      "print(*sorted(x.name for t in w.THEMES if t.program == \"core\" for x in t.workloads if not x.later), "
      "sep=chr(10))\n"
      "print(*sorted(x.name for x in w.FLOORS), sep=chr(10))'");
  INFO(listed.err);
  const auto offered = shell("bench/core --list | LC_ALL=C sort && bench/floors --list | LC_ALL=C sort");
  CHECK(listed.out == offered.out);
  CHECK(count(listed.out, "\n") >= 20);
  CHECK(shell("cd bench && python3 -B -c 'import workloads as w\n"
              "print(*(x.name for t in w.THEMES if t.program == \"net\" for x in t.workloads), sep=chr(10))'")
            .out == run({"bench/load", "bench/net", "--list"}).out);
  CHECK(shell("cd bench && python3 -B -c 'import workloads as w\n"
              "print(*(x.name for t in w.THEMES if t.program == \"http\" for x in t.workloads), sep=chr(10))'")
            .out == run({"bench/http_load", "bench/http", "--list"}).out);
  CHECK(shell("cd bench && python3 -B -c 'import workloads as w\n"
              "print(*(x.name for t in w.THEMES if t.program == \"socket\" for x in t.workloads), sep=chr(10))'")
            .out == run({"bench/socket_load", "bench/socket", "--list"}).out);
  CHECK(shell("cd bench && python3 -B -c 'import workloads as w\n"
              "print(*(x.name for t in w.THEMES if t.program == \"fetch\" for x in t.workloads), sep=chr(10))'")
            .out == run({"bench/fetch_load", "bench/fetch", "--list"}).out);
}

TEST_CASE("bench/run names what it does not know and what there is") {
  const auto done = run({"bench/run", "--only", "switch,swich"});
  CHECK(done.status == 1);
  CHECK(done.err.starts_with("bench/run: no workload \"swich\"; there are: switch, pingpong, "));
  CHECK(run({"bench/run", "--peers", "rust"}).err ==
        "bench/run: no peer \"rust\"; there are: go, boost_fiber, raw_epoll, libuv, asio, libcurl, aiohttp, gevent, "
        "libzmq, nng\n");
}

TEST_CASE("bench/run loads the echo servers and holds weir to a multiple of bare epoll") {
  if (testing::sanitized) return;
  scratch dir;
  provide(dir, "bench/core");
  for (const char* const name : {"net", "load"})
    std::filesystem::create_symlink(std::filesystem::absolute(std::string("bench/") + name), dir / name);
  std::filesystem::create_symlink(std::filesystem::absolute("bench/peers/net/raw_epoll"), dir / "raw_epoll");
  const auto done = run(
      {"bench/run", "--quick", "--only", "echo100,echo1,connected10k", "--json", dir / "json", "--programs", dir / ""});
  INFO(done.out << done.err);
  REQUIRE(done.status == 0);
  const std::string json = content_of(dir / "json");
  for (const std::string metric : {"rate", "cpu", "p50", "p99"})
    for (const std::string system : {"weir", "raw_epoll"})
      for (const std::string workers : {"1", "2"})
        CHECK(count(json, R"({"workload": "echo100", "workers": )" + workers + R"(, "system": ")" + system +
                              R"(", "metric": ")" + metric) == 1);
  CHECK(count(json, R"({"workload": "connected10k", "workers": 2, "system": "weir", "metric": "memory")") == 1);
  CHECK(count(json, "\n") == 2 * (8 + 4 + 2));
  std::istringstream table(done.out);
  for (std::string line; std::getline(table, line);) CHECK(line.size() <= 120);
}

TEST_CASE("an echo that is not what was sent is no figure") {
  const auto done = run({"bench/load", "tests/bench/false_echo", "echo1", "2", "10"});
  CHECK(done.err == "load: an answer is not what was sent\n");
  CHECK(done.out.empty());
  CHECK(done.status == 3);
  CHECK(run({"bench/load", "/bin/true", "echo1", "2", "10"}).err == "load: /bin/true printed no port\n");
}

TEST_CASE("bench/run lets wrk load the HTTP server") {
  if (testing::sanitized) return;
  scratch dir;
  provide(dir, "bench/core");
  for (const char* const name : {"http", "http_load"})
    std::filesystem::create_symlink(std::filesystem::absolute(std::string("bench/") + name), dir / name);
  const auto done = run({"bench/run", "--quick", "--only", "http100", "--json", dir / "json", "--programs", dir / ""});
  INFO(done.out << done.err);
  REQUIRE(done.status == 0);
  const std::string json = content_of(dir / "json");
  for (const std::string metric : {"rate", "cpu", "p99"})
    CHECK(count(json, R"({"workload": "http100", "workers": 1, "system": "weir", "metric": ")" + metric) == 1);
  CHECK(count(json, "\n") == 2 * 3);
}

TEST_CASE("what is no answer of HTTP is no figure") {
  const auto done = run({"bench/http_load", "tests/bench/false_echo", "http100", "2", "1"});
  INFO(done.out << done.err);
  CHECK(done.status == 3);
  CHECK(done.out.empty());
  CHECK(done.err == "http_load: 0 requests brought 0 bytes: a body is not 1024 bytes\n");
}

TEST_CASE("bench/run measures message sockets, and the HTTP client at an nginx") {
  if (testing::sanitized) return;
  scratch dir;
  provide(dir, "bench/core");
  for (const char* const name : {"socket", "socket_load", "fetch", "fetch_load"})
    std::filesystem::create_symlink(std::filesystem::absolute(std::string("bench/") + name), dir / name);
  const auto done = run({"bench/run", "--quick", "--only", "push_pull_64B,req_rep_loop,pub_sub_10,fetch100", "--json",
                         dir / "json", "--programs", dir / ""});
  INFO(done.out << done.err);
  REQUIRE(done.status == 0);
  const std::string json = content_of(dir / "json");
  for (const std::string row : {R"("push_pull_64B", "workers": 1, "system": "weir", "metric": "rate")",
                                R"("push_pull_64B", "workers": 2, "system": "weir", "metric": "cpu")",
                                R"("req_rep_loop", "workers": 1, "system": "weir", "metric": "p99")",
                                R"("pub_sub_10", "workers": 2, "system": "weir", "metric": "rate")",
                                R"("fetch100", "workers": 1, "system": "weir", "metric": "cpu")"})
    CHECK(count(json, row) == 1);
  CHECK(count(json, "\n") == 2 * (2 + 4 + 2 + 2));
  std::istringstream table(done.out);
  for (std::string line; std::getline(table, line);) CHECK(line.size() <= 120);
}

TEST_CASE("messages that do not come as they were sent are no figure") {
  const auto side = [](const char* workload) {
    return run({"bench/socket_load", "tests/bench/false_socket", workload, "2", "10"});
  };
  const auto lost = side("push_pull_64B");
  CHECK(lost.status == 3);
  CHECK(lost.err == "message 2 of 64 bytes came as 3 to 3 of 64 bytes\n");
  CHECK(lost.out.empty());
  const auto silent = side("req_rep");
  CHECK(silent.status == 1);
  CHECK(silent.err == "load: tests/bench/false_socket printed no port\n");
  const auto nothing = side("req_rep_loop");
  CHECK(nothing.status == 1);
  CHECK(nothing.err == "load: \"began\" and \"ended 0 0\" are no measurement\n");
  CHECK(nothing.out.empty());
  const auto right = side("push_pull_inproc");
  CHECK(right.status == 0);
  CHECK(right.err.empty());
  CHECK(right.out.starts_with("push_pull_inproc rate "));
}

TEST_CASE("an answer that is not what was asked for is no figure of a client") {
  const auto done = shell(
      "exec 3< <(bench/http http_server 1); read port <&3; bench/fetch fetch 1 1000 10 $port; status=$?; kill -KILL "
      "$!; "
      "exit $status");
  CHECK(done.status == 3);
  CHECK(done.out.empty());
  CHECK(done.err == "an answer is not what it should be\n");
}

TEST_CASE("a client whose workers are processes has their time counted, and a wrong answer of one is no figure") {
  scratch dir;
  // A millisecond of processor time for each answer.
  const auto fetch = [&](const std::string& answer, const char* workers) {
    const std::string client = dir.file("client", R"(#!/usr/bin/python3 -IB
import sys, time
sys.path.append(")" + std::filesystem::absolute("bench/peers/fetch").string() +
                                                      R"(")
import side
def get_all(share):
    for amount in share.amounts():
        for i in range(amount):
            start = time.process_time()
            while time.process_time() - start < 0.001: pass
            share.take()" + answer + R"()
side.main(get_all)
)");
    std::filesystem::permissions(client, std::filesystem::perms::owner_all);
    return run({"bench/fetch_load", client, "fetch100", workers, "301"});
  };
  for (const char* const workers : {"1", "2"}) {
    const auto right = fetch("200, b'x' * 1024", workers);
    INFO(right.out << right.err);
    REQUIRE(right.status == 0);
    const auto at = right.out.find("fetch100 cpu ");
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(right.out.substr(at + 13)) > 100);  // us; the rest is for a load that comes late to its clock
    for (const char* const answer : {"200, b'x' * (1024 - i // 100)", "200 + i // 100, b'x' * 1024"}) {
      const auto wrong = fetch(answer, workers);
      CHECK(wrong.status == 3);
      CHECK(wrong.out.empty());
      CHECK(wrong.err.starts_with("an answer is not what it should be\n"));
    }
  }
}
