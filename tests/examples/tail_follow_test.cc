#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/examples/program.h"

using testing::content_of;
using testing::program;
using testing::scratch;

namespace {

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

// Until the program has printed `text`; the test's time limit is the limit.
void await(const std::string& out, const std::string& text) {
  while (content_of(out).find(text) == std::string::npos) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

}  // namespace

TEST_CASE("tail_follow prints what is added, over rotation and truncation and removal") {
  const scratch s;
  const std::string log = s.file("log", "one\n"), out = s / "out";
  program tail({"examples/tail_follow", log, "the end"}, out);
  await(out, "one\n");
  append(log, "two\nthr");
  await(out, "two\nthr");
  append(log, "ee\n");
  await(out, "three\n");
  // Rotated: what the writer adds to the old one before it turns to the other is not lost.
  std::filesystem::rename(log, s / "log.1");
  append(s / "log.1", "four\n");
  append(log, "five\n");
  await(out, "five\n");
  std::ofstream(log, std::ios::trunc) << "6\n";
  await(out, "6\n");
  std::filesystem::remove(log);
  append(log, "seven\n");
  await(out, "seven\n");
  append(log, "the end\n");
  const auto done = tail.wait();
  CHECK(done.status == 0);
  CHECK(content_of(out) == "one\ntwo\nthree\nfour\nfive\n6\nseven\nthe end\n");
  CHECK(done.err.find("is another file now") != std::string::npos);
  CHECK(done.err.find("was truncated") != std::string::npos);
}

TEST_CASE("tail_follow waits for a file that is not there yet, and says what it cannot do") {
  const scratch s;
  const std::string out = s / "out";
  program tail({"examples/tail_follow", s / "log", "x"}, out);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // either order is right
  append(s / "log", "x\n");
  CHECK(tail.wait().status == 0);
  CHECK(content_of(out) == "x\n");
  const auto bad = testing::run({"examples/tail_follow", s / "none/log"});
  CHECK(bad.status == 1);
  CHECK(bad.err.find("ENOENT") != std::string::npos);
  CHECK(testing::run({"examples/tail_follow"}).status == 2);
}
