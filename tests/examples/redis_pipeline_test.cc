// redis_pipeline against a Redis that the test starts.
#include <string>

#include "tests/examples/program.h"
#include "tests/examples/server.h"

using testing::run;

TEST_CASE("200 actors of redis_pipeline share one connection, and each gets its own answers in order") {
  testing::server redis;
  const std::string socket = redis.folder() + "/redis";
  redis.start({"/usr/bin/redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no",
               "--daemonize", "no"});
  redis.await([&] { return run({"/usr/bin/redis-cli", "-s", socket, "ping"}).out == "PONG\n"; });
  const auto done = run({"examples/redis_pipeline", socket, "200", "100"});
  INFO(done.err);
  CHECK(done.out == "200 actors, 20000 commands over one connection, 20000 answers right\n");
  CHECK(done.status == 0);
  CHECK(run({"/usr/bin/redis-cli", "-s", socket, "dbsize"}).out == "0\n");
  redis.stop();
  const auto refused = run({"examples/redis_pipeline", socket});
  CHECK(refused.err.find("redis_pipeline: ") == 0);
  CHECK(refused.status == 1);
}

TEST_CASE("redis_pipeline says what it takes") {
  const auto done = run({"examples/redis_pipeline"});
  CHECK(done.err.find("redis_pipeline: takes the path") == 0);
  CHECK(done.status == 2);
}
