#include "weir/channels/pipeline/live_lines.h"

#include <catch2/catch.hpp>
#include <string>

using namespace std::chrono_literals;
using weir::stage_report;
using weir::internal::live_figures;
using weir::internal::live_line;
using weir::internal::live_lines;
using weir::internal::run_stage;

namespace {

stage_report stage(const std::string& name, const std::string& kind, int parallel, long long waiting,
                   long long capacity, std::int64_t items) {
  stage_report s;
  s.name = name;
  s.kind = kind;
  s.parallel = parallel;
  s.may_be_parallel = kind != "source";
  s.queued = capacity > 0;
  s.waiting = waiting;
  s.capacity = capacity;
  s.in = s.out = items;
  return s;
}

// Three groups, of which "parse" holds up the others.
live_figures example() {
  live_figures f;
  f.name = "rows";
  f.sums.took = 8s;
  f.sums.total = 1'000'000;
  f.sums.stages = {stage("read", "source", 1, 0, 0, 412'000), stage("parse", "map", 4, 64, 64, 411'000),
                   stage("write", "into", 1, 3, 64, 410'000)};
  f.sums.stages[1].before = {0};
  f.sums.stages[2].before = {1};
  f.sums.stages[0].blocked = 6480ms;
  f.sums.stages[1].blocked = 640ms;
  f.sums.stages[2].starved = 7s;
  f.lately = f.sums;
  f.rate = 51'200;
  f.eta = 10.4;
  f.cores_busy = 4.04;
  f.cores = 8;
  return f;
}

std::string text(const live_figures& f, int columns = 100) {
  std::string all;
  for (const auto& line : live_lines(f, columns)) all += line.text(columns, false) + "\n";
  return all;
}

}  // namespace

TEST_CASE("the view shows how far it is, where items wait, and which stage holds up the others") {
  CHECK(text(example()) ==
        "rows  ################------------------------ 412k/1.00M  51.2k/s  eta 11s\n"
        "  read -> [64/64] -> parse x4 -> [3/64] -> write   blocked: read 81% parse 2%\n"
        "  bottleneck: parse (input full, output empty). Try a larger .parallel: 4.0 of 8 cores busy.\n");
}

TEST_CASE("where it is no chain, the view says what comes from where") {
  live_figures f = example();
  f.sums.total.reset();
  f.sums.stages.push_back(stage("more", "source", 1, 0, 0, 88'000));
  f.sums.stages.push_back(stage("audit", "into", 1, 1, 16, 500'000));
  f.sums.stages[4].before = {0, 3};
  f.lately = f.sums;
  CHECK(text(f).substr(0, text(f).find("  bottleneck")) ==
        "rows  500k  51.2k/s  eta 11s\n"
        "  read -> [64/64] -> parse x4 -> [3/64] -> write; more; read, more -> [1/16] -> audit\n");
}

TEST_CASE("elsewhere than on a terminal it is one line") {
  CHECK(live_line(example()).text(1000, false) == "rows: 412k/1.00M  51.2k/s  eta 11s  bottleneck: parse");
}

TEST_CASE("a narrow window loses the shares first, then names, then the bar") {
  CHECK(text(example(), 60) ==
        "rows  ##########--------------- 412k/1.00M  51.2k/s  eta 11s\n"
        "  read -> [64/64] -> parse x4 -> [3/64] -> write\n"
        "  bottleneck: parse (input full, output empty). Try a larger\n");
  live_figures fused = example();
  fused.lately.stages.insert(fused.lately.stages.begin() + 1, stage("only good ones", "filter", 1, 0, 0, 412'000));
  fused.lately.stages[1].before = {0};
  fused.lately.stages[2].before = {1};
  fused.lately.stages[3].before = {2};
  CHECK_THAT(text(fused), Catch::Contains("\n  read+only good ones -> [64/64] -> parse x4 -> "));
  CHECK_THAT(text(fused, 60), Catch::Contains("\n  read+1 -> [64/64] -> parse x4 -> [3/64] -> write\n"));
  CHECK_THAT(text(example(), 40), Catch::StartsWith("rows  412k/1.00M  51.2k/s  eta 11s\n"));
}

TEST_CASE("a source that does not know its size shows the time that has passed; a file its bytes") {
  live_figures f = example();
  f.sums.total.reset();
  f.eta.reset();
  CHECK_THAT(text(f), Catch::StartsWith("rows  412k  51.2k/s  8s\n"));
  f.sums.of_bytes = 40'000'000;
  f.sums.bytes = 10'000'000;
  f.eta = 24;
  CHECK_THAT(text(f), Catch::StartsWith("rows  ##########------------------------------ 412k (10.0 MB of 40.0 MB)  "
                                        "51.2k/s  eta 24s\n"));
}

TEST_CASE("the view says what ends: a drain, the end, an end before its time") {
  live_figures f = example();
  f.stage = run_stage::draining;
  CHECK_THAT(text(f), Catch::Contains("412k/1.00M  51.2k/s  draining\n"));
  f.stage = run_stage::drained;
  CHECK_THAT(text(f),
             Catch::StartsWith("rows  ############") && Catch::Contains("-- 412k/1.00M  drained after 8s  51.5k/s\n"));
  f.stage = run_stage::cut_short;
  CHECK_THAT(text(f), Catch::Contains("412k/1.00M  cut short after 8s  51.5k/s\n"));
  f.sums.stages[0].out = 1'000'000;
  f.stage = run_stage::ended;
  CHECK_THAT(text(f), Catch::StartsWith("rows  ######################################## 1.00M  in 8s  125k/s\n"));
}

TEST_CASE("failed calls are counted") {
  live_figures f = example();
  f.sums.stages[1].errors = 1;
  CHECK_THAT(text(f), Catch::Contains("eta 11s  1 error\n"));
  f.sums.stages[2].errors = 1999;
  CHECK_THAT(text(f), Catch::Contains("eta 11s  2.00k errors\n"));
}

TEST_CASE("advice is given only where it helps") {
  live_figures f = example();
  f.lately.stages[1].parallel = 1;
  CHECK_THAT(text(f), Catch::Contains("bottleneck: parse (input full, output empty). Try .parallel: "));
  f.cores_busy = 7.8;
  CHECK_THAT(text(f), Catch::Contains("bottleneck: parse (input full, output empty). 7.8 of 8 cores busy.\n"));
  f.cores_busy = 1;
  f.lately.stages[1].may_be_parallel = false;
  CHECK_THAT(text(f), Catch::Contains("bottleneck: parse (input full, output empty). 1.0 of 8 cores busy.\n"));
  f.lately.stages[1].starved = 8s;
  f.lately.stages[0].blocked = 0s;
  f.lately.stages[0].starved = 8s;
  CHECK_THAT(text(f), Catch::Contains("  no bottleneck. 1.0 of 8 cores busy.\n"));
  f.lately.stages = {stage("read", "source", 1, 0, 0, 5), stage("parse", "map", 1, 0, 0, 5)};
  f.lately.stages[1].before = {0};
  CHECK_THAT(text(f), Catch::Contains("  one actor runs all stages. Try .parallel for parse: 1.0 of 8 cores busy.\n"));
}
