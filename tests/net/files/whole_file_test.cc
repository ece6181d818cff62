// read_file and write_file.
#include "weir/net/files/whole_file.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <thread>

#include "tests/child.h"
#include "tests/net/folder.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/files/file_info.h"
#include "weir/runtime/scope.h"

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using testing::content_of;
using testing::folder;
using testing::in_actor;
using weir::net::read_file;
using weir::net::write_file;

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const weir::net::error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

std::size_t entries_of(const fs::path& directory) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& e : fs::directory_iterator(directory)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a whole file is written and read, whatever its size") {
  const folder here;
  in_actor([&] {
    for (const std::size_t size : {0u, 1u, 4095u, 4096u, 1u << 20, (1u << 20) + 1, 5u << 20}) {
      std::string content(size, '\0');
      for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31);
      write_file(here / "a", content);
      CHECK((read_file(here / "a") == content));
    }
    write_file(here / "a", "on the disk", {.durable = true});
    CHECK(read_file(here / "a") == "on the disk");
    CHECK(entries_of(here.path()) == 1);
  });
}

TEST_CASE("files whose size the file system does not say are read to their end") {
  in_actor([] {
    CHECK(read_file("/proc/self/status").find("VmRSS") != std::string::npos);
    CHECK(read_file("/dev/null").empty());
  });
}

TEST_CASE("a file beyond the bound is an error, also one without an end") {
  const folder here;
  const std::string a = here.file("a", std::string(100, 'x'));
  in_actor([&] {
    CHECK(read_file(a, {.most = 100}).size() == 100);
    CHECK(error_of([&] { read_file(a, {.most = 99}); }) == "read_file " + a + ": too long for its bound");
    CHECK(error_of([&] { read_file("/dev/zero", {.most = 3 << 20}); }).find("too long") != std::string::npos);
  });
}

TEST_CASE("a writer that fails leaves the old content, and no other file") {
  const auto end = testing::run_child("a write_file that hits a full disk");
  INFO(end.output);
  CHECK(end.exit_status == 0);
}

TEST_CASE("a write_file that hits a full disk", "[.child]") {
  const folder here;
  const std::string a = here.file("a", "old");
  signal(SIGXFSZ, SIG_IGN);
  const rlimit most{100000, 100000};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &most) == 0);
  in_actor([&] {
    CHECK(error_of([&] { write_file(a, std::string(1 << 20, 'x')); }) ==
          "write_file " + a + ": file too large (EFBIG)");
    CHECK(content_of(a) == "old");
    CHECK(entries_of(here.path()) == 1);
  });
}

TEST_CASE("a cancelled or timed out writer leaves the old content, and no other file") {
  const folder here;
  const std::string a = here.file("a", "old"), much(64 << 20, 'x');
  in_actor([&] {
    // A writer that is through before anybody can end it proves nothing: then once more.
    const auto until_cut = [&](auto attempt) {
      while (!attempt()) write_file(a, "old");  // the test's time limit is the limit
      CHECK(content_of(a) == "old");
      CHECK(entries_of(here.path()) == 1);
    };
    until_cut([&] {
      const std::string text = error_of([&] { write_file(a, much, 5ms); });
      return text == "write_file " + a + ": the deadline came first";
    });
    until_cut([&] {
      bool through = false;
      weir::with_scope([&](weir::scope& s) {
        s.spawn("cancel", [&] {
          testing::eventually([&] { return entries_of(here.path()) > 1; });
          s.cancel();
        });
        write_file(a, much);
        through = true;
        s.cancel();
      });
      return !through;
    });
  });
}

TEST_CASE("the permissions stay, or become what was asked for") {
  const folder here;
  const std::string a = here.file("a", "old");
  REQUIRE(chmod(a.c_str(), 0640) == 0);
  in_actor([&] {
    write_file(a, "new");
    CHECK(weir::net::stat(a).permissions == 0640);
    write_file(a, "newer", {.permissions = 0600});
    CHECK(weir::net::stat(a).permissions == 0600);
    const mode_t mask = umask(027);
    write_file(here / "b", "x");
    umask(mask);
    CHECK(weir::net::stat(here / "b").permissions == 0640);
  });
}

TEST_CASE("nobody else may look at a private file before it has its name") {
  const folder here;
  const std::string a = here.file("a", "old"), much(8 << 20, 'x');
  REQUIRE(chmod(a.c_str(), 0600) == 0);
  std::atomic<int> seen{0}, open_to_others{0};
  in_actor([&] {
    // Looks on only while the runtime lives: libuv closes what it opened by a bare system call, so that ThreadSanitizer
    // would take the folder that gets the same number next for the runtime's, still open.
    const std::jthread looker([&](const std::stop_token over) {
      while (!over.stop_requested())
        for (const auto& e : fs::directory_iterator(here.path())) {
          struct ::stat about {};
          if (e.path().filename().string().find(".weir-") == std::string::npos || ::stat(e.path().c_str(), &about) != 0)
            continue;
          ++seen;
          open_to_others += (about.st_mode & 077) != 0;
        }
    });
    while (seen < 20) {
      write_file(a, much);
      write_file(here / "b", much, {.permissions = 0600});
      fs::remove(here / "b");
    }
  });
  CHECK(open_to_others == 0);
}

TEST_CASE("a link is followed, and what is no regular file is not replaced") {
  const folder here;
  const std::string a = here.file("a", "old");
  fs::create_symlink("a", here / "link");
  in_actor([&] {
    write_file(here / "link", "new");
    CHECK(content_of(a) == "new");
    CHECK(fs::is_symlink(here / "link"));
    fs::create_symlink("second", here / "first");
    fs::create_symlink(here / "later", here / "second");
    write_file(here / "first", "made");
    CHECK(fs::is_symlink(here / "first"));
    CHECK(fs::is_symlink(here / "second"));
    CHECK(content_of(here / "later") == "made");
    CHECK(error_of([&] { write_file("/dev/null", "x"); }).find("no regular file") != std::string::npos);
    CHECK(fs::is_character_file("/dev/null"));
    CHECK(error_of([&] { write_file(here.path(), "x"); }).find("EISDIR") != std::string::npos);
    CHECK(error_of([&] { write_file(here / "none/a", "x"); }).find("ENOENT") != std::string::npos);
  });
}

TEST_CASE("readers see the old content or the new one, never a part") {
  const folder here;
  const std::string a = here.file("a", std::string(300000, '0'));
  in_actor([&] {
    std::atomic<bool> done{false};
    weir::with_scope([&](weir::scope& s) {
      s.spawn("writer", [&] {
        for (int i = 1; i <= testing::rounds(100); ++i)
          write_file(a, std::string(300000, static_cast<char>('0' + i % 10)));
        done = true;
      });
      for (int n = 0; n < 2; ++n)
        s.spawn("reader", [&] {
          while (!done) {
            const std::string seen = read_file(a);
            EXPECT(seen.size() == 300000);
            EXPECT(seen.find_first_not_of(seen[0]) == std::string::npos);
          }
        });
    });
  });
}
