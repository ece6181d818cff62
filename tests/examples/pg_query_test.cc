// pg_query against a PostgreSQL that the test starts.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/examples/program.h"
#include "tests/examples/server.h"

namespace {

using testing::run;

// The folder of PostgreSQL's programs, which Debian keeps out of the path.
std::string programs() {
  std::vector<std::string> versions;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql")) versions.push_back(entry.path());
  REQUIRE(!versions.empty());
  return *std::max_element(versions.begin(), versions.end()) + "/bin/";
}

// PostgreSQL refuses to run as root: then in a user namespace, where the same user has another number.
std::vector<std::string> as_nobody_special(std::vector<std::string> arguments) {
  if (geteuid() != 0) return arguments;
  std::vector<std::string> all{"/usr/bin/unshare", "--user", "--map-user=1000", "--map-group=1000", "--"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

class postgres : public testing::server {
 public:
  postgres() {
    const std::string data = folder() + "/data";
    const auto made = run(as_nobody_special({programs() + "initdb", "--no-sync", "--auth=trust", "--username=weir",
                                             "--no-locale", "--encoding=UTF8", "-D", data}));
    INFO(made.out << made.err);
    REQUIRE(made.status == 0);
    start(as_nobody_special({programs() + "postgres", "-D", data, "-k", folder(), "-c", "listen_addresses=", "-c",
                             "max_connections=230", "-c", "fsync=off", "-c", "shared_buffers=4MB"}));
    await([&] { return run({programs() + "pg_isready", "-q", "-h", folder()}).status == 0; });
  }
  std::string where() const { return "host=" + folder() + " user=weir dbname=postgres"; }
};

}  // namespace

TEST_CASE("pg_query has 200 queries under way at once on one worker, and each gets its own answer") {
  postgres server;
  const auto done = run({"examples/pg_query", server.where(), "200"});
  INFO(done.err);
  CHECK(done.out == "200 queries, 200 answers right; the server had 200 at once\n");
  CHECK(done.status == 0);
  server.stop();
  const auto refused = run({"examples/pg_query", server.where(), "3"});
  CHECK(refused.err.find("pg_query: connection to server on socket") == 0);
  CHECK(refused.status == 1);
}

TEST_CASE("pg_query says what it takes") {
  const auto done = run({"examples/pg_query", "dbname=x", "none"});
  CHECK(done.err.find("pg_query: takes a connection string") == 0);
  CHECK(done.status == 2);
}
