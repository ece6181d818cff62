#include <algorithm>
#include <regex>
#include <sstream>
#include <thread>

#include "tests/examples/program.h"

using testing::outcome;
using testing::run;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void check_figures(const std::string& name, const outcome& done) {
  INFO(name << ": " << done.err);
  CHECK(done.status == 0);
  CHECK_FALSE(done.out.empty());
  for (const std::string& line : lines_of(done.out)) {
    INFO(line);
    CHECK(std::regex_match(line, std::regex(name + " [a-z0-9_]+ [-+.e0-9]+ (ns|us|ms|s|k/s|M/s|B|maps|x)")));
  }
}

}  // namespace

TEST_CASE("every workload does all of its work, on one worker and on two") {
  const auto names = lines_of(run({"bench/core", "--list"}).out);
  REQUIRE(names.size() >= 16);
  for (const std::string& name : names) {
    if (name != "pingpong_cross") check_figures(name, run({"bench/core", name, "1", "1000"}));
    check_figures(name, run({"bench/core", name, "2", "1001"}));
  }
}

TEST_CASE("every row of message sockets has all of its messages arrive, and the HTTP client has its answers") {
  const auto names = lines_of(run({"bench/socket_load", "bench/socket", "--list"}).out);
  REQUIRE(names.size() == 7);
  for (const std::string workers : {"1", "2"}) {
    for (const std::string& name : names)
      check_figures(name, run({"bench/socket_load", "bench/socket", name, workers, "300"}));
    check_figures("fetch100", run({"bench/fetch_load", "bench/fetch", "fetch100", workers, "300"}));
  }
}

TEST_CASE("every floor takes all of its steps") {
  if (testing::sanitized) return;  // a bare switch is what a sanitizer must be told about, and a floor does not tell
  const auto names = lines_of(run({"bench/floors", "--list"}).out);
  REQUIRE(names.size() == 5);
  for (const std::string& name : names) {
    if (std::thread::hardware_concurrency() < 2 && (name == "cache_line" || name == "eventfd_wake")) continue;
    check_figures(name, run({"bench/floors", name, "1", "1000"}));
  }
}

TEST_CASE("a workload that is not there, and work that is none, are refused") {
  const std::vector<std::string> bad =
      GENERATE(std::vector<std::string>{"nothing", "1", "1000"}, std::vector<std::string>{"switch", "0", "1000"},
               std::vector<std::string>{"switch", "1", "0"}, std::vector<std::string>{"switch", "1"},
               std::vector<std::string>{});
  std::vector<std::string> command{"bench/core"};
  command.insert(command.end(), bad.begin(), bad.end());
  const auto done = run(command);
  CHECK(done.status == 2);
  CHECK(done.out.empty());
  CHECK(done.err.ends_with(
      "bench/core: takes WORKLOAD WORKERS N, both at least 1, or --list for the names of its workloads\n"));
}

TEST_CASE("pingpong_cross needs two workers") {
  const auto done = run({"bench/core", "pingpong_cross", "1", "1000"});
  CHECK(done.status == 1);
  CHECK(done.out.empty());
  CHECK(done.err == "pingpong_cross: needs two workers\n");
}

TEST_CASE("idle says what a parked actor costs") {
  const auto done = run({"bench/idle", "1000"});
  CHECK(done.status == 0);
  CHECK(done.out.starts_with("1000 actors ran, parked, woke once and parked again\n"));
  CHECK(std::regex_search(done.out, std::regex("  memory +[0-9]+ B each")));
  CHECK(std::regex_search(done.out, std::regex("  mappings +[0-9]+ in the process")));
}

TEST_CASE("idle refuses what is no number of actors") {
  CHECK(run({"bench/idle", "0"}).status == 2);
  CHECK(run({"bench/idle", "x"}).status == 2);
}

TEST_CASE("a thousand parked actors switch to no thread") {
  if (testing::sanitized) return;  // a sanitizer's own thread wakes ten times a second
  const auto done = run({"bench/idle_cpu", "500"});
  INFO(done.out);
  CHECK(done.status == 0);
  CHECK(done.out.find("weir-0") != std::string::npos);
}
