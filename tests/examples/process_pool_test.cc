#include <cstdio>
#include <string>

#include "tests/examples/program.h"

using testing::run;

namespace {

struct account {
  unsigned long done = 0;
  int jobs = 0, twice = -1;
  unsigned long restarts = 0;
  long sum = -1;
};

account account_in(const std::string& out) {
  account a;
  INFO(out);
  REQUIRE(std::sscanf(out.c_str(), "%lu of %d jobs done, %d twice, %lu restarts, sum %ld\n", &a.done, &a.jobs, &a.twice,
                      &a.restarts, &a.sum) == 5);
  return a;
}

}  // namespace

TEST_CASE("process_pool does every job once, whatever is killed meanwhile, and leaves no child") {
  const auto calm = run({"examples/process_pool", "--jobs", "2000"});
  CHECK(calm.status == 0);
  CHECK(calm.err == "");
  const account expected = account_in(calm.out);
  CHECK(expected.done == 2000);
  CHECK(expected.restarts == 0);

  const auto stormy = run({"examples/process_pool", "--jobs", "2000", "--children", "3", "--kill-random", "40"});
  CHECK(stormy.status == 0);
  const account got = account_in(stormy.out);
  CHECK(got.done == 2000);
  CHECK(got.twice == 0);
  CHECK(got.sum == expected.sum);
  if (!testing::sanitized) CHECK(got.restarts > 0);
}

TEST_CASE("process_pool says how it is used") {
  CHECK(run({"examples/process_pool", "--jobs"}).status == 2);
  CHECK(run({"examples/process_pool", "--jobs", "0"}).status == 2);
  CHECK(run({"examples/process_pool", "--what", "1"}).status == 2);
}
