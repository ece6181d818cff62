#include <regex>

#include "tests/examples/program.h"

using testing::run;
using testing::sanitized;

namespace {

// As lines of source come and go. What clang makes in an array it places in <array>.
std::string without_lines(const std::string& text) {
  return std::regex_replace(std::regex_replace(text, std::regex("(\\.cc|\\.h):[0-9]+"), "$1:N"),
                            std::regex("mutex array:[0-9]+"), "mutex dining.cc:N");
}

}  // namespace

TEST_CASE("hello prints what its page says") {
  const auto done = run({"examples/hello"});
  CHECK(done.out == "got 1\ngot 4\ngot 9\n");
  CHECK(done.err.empty());
  CHECK(done.status == 0);
}

TEST_CASE("producer_consumer loses no job, whichever worker takes it") {
  const auto done = run({"examples/producer_consumer"});
  CHECK(done.out == "100000 results; the longest sequence starts at 77031 and takes 350 steps\n");
  CHECK(done.status == 0);
}

TEST_CASE("sieve prints the first hundred primes and stops its endless actors") {
  const auto done = run({"examples/sieve"});
  CHECK(done.out.starts_with("2 3 5 7 11 13 17 19 23 29\n31 "));
  CHECK(done.out.ends_with(" 521 523 541\n"));
  CHECK(done.err.empty());
  CHECK(done.status == 0);
}

TEST_CASE("sieve prints as many primes as it is told") {
  CHECK(run({"examples/sieve", "1"}).out == "2\n");
  CHECK(run({"examples/sieve", "12"}).out == "2 3 5 7 11 13 17 19 23 29\n31 37\n");
  CHECK(run({"examples/sieve", "300"}).out.ends_with(" 1979 1987\n"));
}

TEST_CASE("sieve names the rule, the value and the remedy for a bad count") {
  const std::string bad = GENERATE("0", "-1", "10001", "x", "5x", "", "99999999999999");
  const auto done = run({"examples/sieve", bad});
  CHECK(done.err == "sieve: takes one whole number from 1 to 10000, the count of primes; got \"" + bad +
                        "\". For the first hundred write: sieve 100\n");
  CHECK(done.out.empty());
  CHECK(done.status == 2);
}

TEST_CASE("chat_room has the same conversation each time, and the sleeper misses exactly two lines") {
  for (int i = 0; i < 20; ++i) {
    const auto done = run({"examples/chat_room"});
    REQUIRE(done.out ==
            "ann: is anybody here?\nbob: I am\nann: who else?\ncid: me\nann: and dan?\nann: let him sleep\n"
            "dan wakes up and has missed 2 lines\n"
            "dan reads: who else?\ndan reads: me\ndan reads: and dan?\ndan reads: let him sleep\n");
    REQUIRE(done.err.empty());
    REQUIRE(done.status == 0);
  }
}

TEST_CASE("supervisor loses no acknowledged message, however often its workers are killed") {
  const auto done = run({"examples/supervisor", "--kill-random", sanitized ? "100" : "1000"});
  CHECK(done.out.starts_with(sanitized ? "100 kills, 100 restarts; " : "1000 kills, 1000 restarts; "));
  CHECK(done.out.find(" written more than once, 0 lost\n") != std::string::npos);
  CHECK(done.err == "");
  CHECK(done.status == 0);
}

TEST_CASE("supervisor names the rule, the value and the remedy for what it does not take") {
  const std::string bad = GENERATE("0", "-1", "1000001", "x", "5x", "");
  const auto done = run({"examples/supervisor", "--kill-random", bad});
  CHECK(done.err == "supervisor: takes --kill-random and a whole number from 1 to 1000000; got \"--kill-random\" \"" +
                        bad + "\". For a thousand kills write: supervisor --kill-random 1000\n");
  CHECK(done.status == 2);
}

TEST_CASE("select_timeout does not wait for ever, in any of its ways") {
  const auto done = run({"examples/select_timeout"});
  CHECK(done.out ==
        "recv: nothing came within 10 ms\n"
        "select: nothing came within 10 ms\n"
        "loop: several drops and several beats in 200 ms\n"
        "within: no answer within 10 ms\n"
        "with_timeout: timed out\n");
  CHECK(done.err.empty());
  CHECK(done.status == 0);
}

TEST_CASE("deadlock ends with its report and status 70") {
  const auto done = run({"examples/deadlock"});
  CHECK(done.out.empty());
  CHECK(
      without_lines(done.err) ==
      "weir: DEADLOCK: all 3 actors are blocked and nothing is left that could wake them\n"
      "  (0 timers, 0 descriptors or signals, 0 blocking calls, 0 other threads)\n"
      "  cycle: enricher -> [lookups] -> cache -> [replies] -> enricher\n"
      "    #2 enricher  blocked in send on channel \"lookups\" 8/8 full, at deadlock.cc:N; only receiver: #3 cache\n"
      "    #3 cache     blocked in send on channel \"replies\" 8/8 full, at deadlock.cc:N; only receiver: #2 enricher\n"
      "  also blocked because of it:\n"
      "    #1 main  blocked in wait on scope deadlock.cc:N (2 alive), at deadlock.cc:N\n"
      "  hint: actors that send to each other must not all block in send; select over send and recv, or give "
      "\"replies\"\n"
      "        room for every message that can be under way.\n");
  CHECK(done.status == 70);
}

TEST_CASE("dining feeds its philosophers, and with --wrong says why nobody eats") {
  const auto done = run({"examples/dining"});
  CHECK(done.out ==
        "Kant has eaten 1000 times\nHume has eaten 1000 times\nMill has eaten 1000 times\nMarx has eaten 1000 times\n"
        "Weil has eaten 1000 times\n");
  CHECK(done.err.empty());
  CHECK(done.status == 0);

  const auto stuck = run({"examples/dining", "--wrong"});
  const std::string fork = " -> [mutex dining.cc:N] -> ";
  CHECK_THAT(
      without_lines(stuck.err),
      Catch::StartsWith("weir: DEADLOCK: all 6 actors are blocked") &&
          Catch::Contains("cycle: Kant" + fork + "Hume" + fork + "Mill" + fork + "Marx" + fork + "Weil" + fork +
                          "Kant\n") &&
          Catch::Contains("#2 Kant  blocked in lock on mutex dining.cc:N held by actor \"Hume\" (#3), spawned at ") &&
          Catch::Contains("hint: take several locks in the same order everywhere"));
  CHECK(stuck.out.empty());
  CHECK(stuck.status == 70);

  CHECK(run({"examples/dining", "--right"}).err == "dining: the only option is --wrong; got \"--right\"\n");
}
