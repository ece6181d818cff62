#include <unistd.h>

#include <cstdio>

#include "tests/examples/program.h"

using testing::run;
using testing::scratch;

namespace {

struct ticks {
  long expected = -1, seen = -1;
  double late_ms = -1;
};

ticks ticks_in(const std::string& out) {
  ticks t;
  const auto at = out.find("\nticks: ");
  REQUIRE(at != std::string::npos);
  REQUIRE(std::sscanf(out.c_str() + at, "\nticks: %ld expected, %ld seen; p99 %lf ms late\n", &t.expected, &t.seen,
                      &t.late_ms) == 3);
  return t;
}

}  // namespace

TEST_CASE("offload_pool hashes every file of the tree, as FNV-1a's authors do") {
  const scratch s;
  std::filesystem::create_directories(s / "tree/deep");
  s.file("tree/one", "a");
  s.file("tree/deep/two", "foobar");
  s.file("tree/deep/empty", "");
  std::filesystem::create_symlink("two", s / "tree/deep/again");
  const auto done = run({"examples/offload_pool", s / "tree"});
  // af63dc4c8601ec8c + 85944171f73967e8 + cbf29ce484222325
  CHECK(done.out.starts_with("3 files, 7 bytes, 0 not read, digest 00eabaa3015d7799\n"));
  CHECK(done.status == 0);
}

TEST_CASE("its ticker goes on while every core hashes, and no tick is seen that was not due") {
  const scratch s;
  std::filesystem::create_directories(s / "tree");
  for (int i = 0; i < 8; ++i) {
    const std::string path = s.file("tree/" + std::to_string(i), "x");
    std::filesystem::resize_file(path, std::uintmax_t{20} << 20);
  }
  const auto done = run({"examples/offload_pool", s / "tree"});
  CHECK(done.out.starts_with("8 files, 167772160 bytes, 0 not read, digest "));
  CHECK(done.status == 0);
  const ticks t = ticks_in(done.out);
  CHECK(t.seen > 0);
  CHECK(t.seen <= t.expected + 1);
  CHECK(t.late_ms >= 0);
  // A machine that has other things to do may lose some: that is a figure, not a failure.
  if (t.seen < t.expected - 1) WARN("ticks: " << t.expected << " expected, " << t.seen << " seen");
}

TEST_CASE("it names a folder that is not there, and takes one at most") {
  const scratch s;
  const auto missing = run({"examples/offload_pool", s / "nothing"});
  CHECK(missing.err.find("offload_pool: ") == 0);
  CHECK(missing.err.find("No such file or directory") != std::string::npos);
  CHECK(missing.status == 1);
  CHECK(run({"examples/offload_pool", "a", "b"}).status == 2);
}
