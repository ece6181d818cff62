// weir::net::scan, and what stat says.
#include "weir/net/files/scan.h"

#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/child.h"
#include "tests/net/folder.h"
#include "tests/net/unprivileged.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/runtime/scope.h"

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using testing::folder;
using testing::in_actor;
using weir::net::dir_entry;
using weir::net::file_kind;
using weir::net::scan;
using weir::net::scan_options;

// "directory:sub/x" for each, sorted; with the error's number, if it failed.
std::vector<std::string> entries_of(const folder& here, scan_options options = {}) {
  std::vector<std::string> all;
  for (dir_entry& e : scan(here.path(), options)) {
    std::string text = std::string(name_of(e.kind)) + ":" + fs::path(e.path).lexically_relative(here.path()).string();
    if (e.failure) text += "!" + std::to_string(e.failure.value());
    all.push_back(text);
    CHECK(e.name() == e.path.filename().string());
  }
  std::sort(all.begin(), all.end());
  return all;
}
using strings = std::vector<std::string>;

std::string error_of(const fs::path& directory) {
  try {
    for ([[maybe_unused]] dir_entry& e : scan(directory)) FAIL_CHECK("there is something");
  } catch (const weir::net::error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("a scan tells each entry with its kind, and only those of the directory unless it is recursive") {
  const folder here;
  here.file("a", "");
  fs::create_directories(here / "sub/deep");
  here.file("sub/b", "");
  here.file("sub/deep/c", "");
  fs::create_symlink("a", here / "link");
  REQUIRE(mkfifo((here / "fifo").c_str(), 0600) == 0);
  in_actor([&] {
    CHECK(entries_of(here) == strings{"directory:sub", "fifo:fifo", "file:a", "link:link"});
    CHECK(entries_of(here, {.recursive = true}) == strings{"directory:sub", "directory:sub/deep", "fifo:fifo", "file:a",
                                                           "file:sub/b", "file:sub/deep/c", "link:link"});
    CHECK(entries_of(here, {.recursive = true, .deepest = 1}) ==
          strings{"directory:sub", "directory:sub/deep", "fifo:fifo", "file:a", "file:sub/b", "link:link"});
  });
}

TEST_CASE("a directory is told before what is in it, with its depth") {
  const folder here;
  fs::create_directories(here / "1/2/3");
  here.file("1/2/3/x", "");
  in_actor([&] {
    std::map<std::string, int> seen;
    for (dir_entry& e : scan(here.path(), {.recursive = true})) {
      const std::string path = e.path, around = e.path.parent_path();
      CHECK((around == here.path() || seen.count(around) == 1));
      CHECK(e.depth == (around == here.path() ? 0 : seen[around] + 1));
      seen[path] = e.depth;
    }
    CHECK(seen.size() == 4);
  });
}

TEST_CASE("links are followed if that is wanted, and a circle of links ends") {
  const folder here;
  fs::create_directories(here / "sub");
  here.file("sub/b", "");
  fs::create_symlink("..", here / "sub/up");
  fs::create_symlink("sub", here / "again");
  fs::create_symlink("nowhere", here / "broken");
  fs::create_symlink("self", here / "self");
  const auto loop = "!" + std::to_string(ELOOP);
  in_actor([&] {
    CHECK(entries_of(here, {.recursive = true}) ==
          strings{"directory:sub", "file:sub/b", "link:again", "link:broken", "link:self", "link:sub/up"});
    CHECK(entries_of(here, {.recursive = true, .follow_links = true}) ==
          strings{"directory:again", "directory:again/up", "directory:again/up" + loop, "directory:sub",
                  "directory:sub/up", "directory:sub/up" + loop, "file:again/b", "file:sub/b", "link:broken",
                  "link:self"});
  });
}

TEST_CASE("a directory that cannot be entered is told with what failed, and the scan goes on") {
  const auto end = testing::run_child("a scan without permission for a part");
  INFO(end.output);
  CHECK(end.exit_status == 0);
}

TEST_CASE("a scan without permission for a part", "[.child]") {
  const folder here;
  fs::create_directories(here / "closed");
  fs::create_directories(here / "open");
  here.file("open/a", "");
  REQUIRE(chmod((here / "closed").c_str(), 0) == 0);
  REQUIRE(testing::drop_file_privileges());
  in_actor([&] {
    CHECK(entries_of(here, {.recursive = true}) ==
          strings{"directory:closed", "directory:closed!" + std::to_string(EACCES), "directory:open", "file:open/a"});
    CHECK(error_of(here / "closed") == "scan " + (here / "closed") + ": permission denied (EACCES)");
  });
  chmod((here / "closed").c_str(), 0700);
}

TEST_CASE("what is no directory or is not there is an error of the scan itself") {
  const folder here;
  const std::string a = here.file("a", "");
  in_actor([&] {
    CHECK(error_of(a) == "scan " + a + ": not a directory (ENOTDIR)");
    CHECK(error_of(here / "none") == "scan " + (here / "none") + ": no such file or directory (ENOENT)");
  });
}

TEST_CASE("a directory that vanishes while its parent is scanned is told as gone") {
  const folder here;
  for (int i = 0; i < 400; ++i) fs::create_directories(here / ("d" + std::to_string(i)));
  in_actor([&] {
    int gone = 0, told = 0;
    bool removed = false;
    for (dir_entry& e : scan(here.path(), {.recursive = true})) {
      if (e.failure) {
        CHECK(e.failure.value() == ENOENT);
        ++gone;
      } else {
        ++told;
      }
      // After the first batch: those not entered yet are not there any more.
      if (!std::exchange(removed, true))
        for (int i = 0; i < 400; ++i) fs::remove(here / ("d" + std::to_string(i)));
    }
    CHECK(told >= 256);
    CHECK(gone == told);
  });
}

TEST_CASE("a scan of many entries tells each once, and takes one descriptor whatever the depth") {
  const folder here;
  fs::path deep = here.path();
  for (int i = 0; i < 100; ++i) fs::create_directories(deep /= "d");
  for (int i = 0; i < 1000; ++i) here.file("f" + std::to_string(i), "");
  in_actor([&] {
    const std::size_t before = testing::open_descriptors();
    std::size_t most = 0, files = 0, directories = 0;
    for (dir_entry& e : scan(here.path(), {.recursive = true})) {
      if (e.kind == file_kind::directory || files % 256 == 0) most = std::max(most, testing::open_descriptors());
      (e.kind == file_kind::regular ? files : directories) += 1;
    }
    CHECK(files == 1000);
    CHECK(directories == 100);
    CHECK(most <= before + 1);
    for (dir_entry& e : scan(here.path())) {  // left early
      CHECK(!e.path.empty());
      break;
    }
    CHECK(testing::open_descriptors() == before);
  });
}

TEST_CASE("a scan ends at its deadline and at a cancel") {
  const folder here;
  here.file("a", "");
  in_actor([&] {
    auto late = scan(here.path(), {.limit = weir::deadline(-1s)});
    CHECK_THROWS_AS(([&] {
                      while (late.next() != nullptr) {
                      }
                    }()),
                    weir::net::error);
    bool met = false;
    weir::with_scope([&](weir::scope& s) {
      s.cancel();
      try {
        scan(here.path()).next();
      } catch (const weir::cancelled&) {
        met = true;
        throw;
      }
    });
    CHECK(met);
  });
}

TEST_CASE("stat tells what a path is, and follows links unless it is lstat") {
  const folder here;
  const std::string a = here.file("a", "12345");
  REQUIRE(chmod(a.c_str(), 0604) == 0);
  fs::create_symlink("a", here / "link");
  fs::create_hard_link(a, here / "hard");
  in_actor([&] {
    const auto info = weir::net::stat(a);
    CHECK(info.kind == file_kind::regular);
    CHECK(info.size == 5);
    CHECK(info.permissions == 0604);
    CHECK(info.links == 2);
    CHECK(info.owner == geteuid());
    const auto age = std::chrono::system_clock::now() - info.modified;
    CHECK(age < 1h);
    CHECK(age > -1h);
    CHECK(info.same_file(weir::net::stat(here / "link")));
    CHECK(info.same_file(weir::net::stat(here / "hard")));
    CHECK(weir::net::lstat(here / "link").kind == file_kind::link);
    CHECK(weir::net::stat("/dev/null").kind == file_kind::character_device);
    CHECK(weir::net::try_stat(a).has_value());
    CHECK_FALSE(weir::net::try_stat(here / "none").has_value());
    CHECK_FALSE(weir::net::try_stat(a + "/none").has_value());
    try {
      weir::net::stat(here / "none");
      FAIL_CHECK("nothing was thrown");
    } catch (const weir::net::error& e) {
      CHECK(e.code() == std::errc::no_such_file_or_directory);
      CHECK(e.operation() == "stat");
      CHECK(e.subject() == here / "none");
    }
    for (dir_entry& e : scan(here.path(), {.info = true})) CHECK(e.info.same_file(weir::net::lstat(e.path)));
  });
}
