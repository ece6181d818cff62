// weir::net::file: opening, reading, writing, positions, closing, deadlines and cancels.
#include "weir/net/files/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/child.h"
#include "tests/net/folder.h"
#include "tests/net/unprivileged.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/timeout.h"

namespace {

using namespace std::chrono_literals;
using testing::content_of;
using testing::folder;
using testing::in_actor;
using weir::net::errc;
using weir::net::file;
using weir::net::io_status;
using weir::net::open_mode;

// What f() throws.
template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const weir::net::error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

std::string read_rest(file& f) {
  std::string all;
  std::array<char, 1000> part;
  for (;;) {
    const auto got = f.read_some(part);
    all.append(part.data(), got.bytes);
    if (!got) return all;
  }
}

}  // namespace

TEST_CASE("what is written is read, in parts and at places") {
  const folder here;
  in_actor([&] {
    file out(here / "a", open_mode::write);
    CHECK(out.write_all("hello, "));
    CHECK(out.write_all("world"));
    CHECK(out.bytes_written() == 12);
    CHECK(out.position() == 12);
    CHECK(out.write_at(0, "H"));
    out.close();
    CHECK(content_of(here / "a") == "Hello, world");

    file in(here / "a");
    std::array<char, 5> five;
    CHECK(in.read_exactly(five).bytes == 5);
    CHECK(std::string(five.data(), 5) == "Hello");
    CHECK(in.read_at(7, five).bytes == 5);
    CHECK(std::string(five.data(), 5) == "world");
    CHECK(in.position() == 5);
    CHECK(read_rest(in) == ", world");
    CHECK(in.read_some(five).status == io_status::end);
    in.seek(10);
    const auto cut = in.read_exactly(five);
    CHECK(cut.status == io_status::end);
    CHECK(cut.bytes == 2);
    CHECK(in.read_at(100, five).status == io_status::end);
    CHECK(in.size() == 12);
    CHECK(error_of([&] { in.expect("read", cut); }).find("ended by the peer") != std::string::npos);
  });
}

TEST_CASE("each mode opens what it says, and nothing else") {
  const folder here;
  const std::string a = here.file("a", "old");
  in_actor([&] {
    (void)file(a, open_mode::append).write_all("+new");
    CHECK(content_of(a) == "old+new");
    {
      file both(a, open_mode::update);
      CHECK(both.write_all("OLD"));
      CHECK(read_rest(both) == "+new");
      both.truncate(3);
      CHECK(both.size() == 3);
    }
    CHECK(file(a, open_mode::write).size() == 0);
    CHECK(error_of([&] { file(a, open_mode::create); }) == "open " + a + ": file exists (EEXIST)");
    const std::string none = here / "none";
    CHECK(error_of([&] { file f(none); }) == "open " + none + ": no such file or directory (ENOENT)");
    CHECK(error_of([&] { file f(none, open_mode::update); }).find("ENOENT") != std::string::npos);
    CHECK(file(none, open_mode::create).size() == 0);
    // Linux would write to the end whatever the place.
    CHECK(error_of([&] { (void)file(a, open_mode::append).write_at(0, "x"); }).find("EINVAL") != std::string::npos);
    CHECK(error_of([&] { (void)file(a).write_all("x"); }) == "write " + a + ": bad file descriptor (EBADF)");
  });
}

TEST_CASE("what is no file is refused, with what to use instead, and nobody waits") {
  const folder here;
  const std::string fifo = here / "fifo", socket_path = here / "socket";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  const bool bound = socket_path.size() < sizeof at.sun_path;
  if (bound) {
    std::memcpy(at.sun_path, socket_path.c_str(), socket_path.size());
    REQUIRE(bind(listening, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  }
  in_actor([&] {
    CHECK(error_of([&] { file f(here.path()); }) == "open " + here.path().native() + ": is a directory (EISDIR)");
    CHECK(error_of([&] { file f(fifo); }).find("open it as a pipe") != std::string::npos);
    CHECK(error_of([&] { file f(fifo, open_mode::write); }).find("open it as a pipe") != std::string::npos);
    if (bound) CHECK(error_of([&] { file f(socket_path); }).find("connect to it") != std::string::npos);
  });
  close(listening);
}

TEST_CASE("no permission is an error with the path") {
  const auto end = testing::run_child("a file without permissions is opened");
  INFO(end.output);
  CHECK(end.exit_status == 0);
}

TEST_CASE("a file without permissions is opened", "[.child]") {
  const folder here;
  const std::string a = here.file("a", "secret");
  REQUIRE(chmod(a.c_str(), 0) == 0);
  REQUIRE(testing::drop_file_privileges());
  in_actor([&] { CHECK(error_of([&] { file f(a); }) == "open " + a + ": permission denied (EACCES)"); });
}

TEST_CASE("a disk that is full is an error that names the call, and the count says what went out") {
  in_actor([&] {
    file full("/dev/full", open_mode::update);
    CHECK(error_of([&] { (void)full.write_all(std::string(100, 'x')); }) ==
          "write /dev/full: no space left on device (ENOSPC)");
    CHECK(full.bytes_written() == 0);
    std::array<char, 4> four{'a', 'b', 'c', 'd'};
    CHECK(full.read_exactly(four).bytes == 4);
    CHECK(four == std::array<char, 4>{});
  });
  const auto end = testing::run_child("a file that may not grow takes what fits");
  INFO(end.output);
  CHECK(end.exit_status == 0);
}

TEST_CASE("a file that may not grow takes what fits", "[.child]") {
  const folder here;
  // The limit is an error for those who ignore its signal.
  signal(SIGXFSZ, SIG_IGN);
  const rlimit most{10000, 10000};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &most) == 0);
  in_actor([&] {
    file out(here / "a", open_mode::write);
    CHECK(error_of([&] { (void)out.write_all(std::string(1 << 20, 'x')); }) ==
          "write " + (here / "a") + ": file too large (EFBIG)");
    CHECK(out.bytes_written() == 10000);
    CHECK(out.position() == 10000);
  });
}

TEST_CASE("a file works from a plain thread, which it blocks") {
  const folder here;
  file out(here / "a", open_mode::write);
  CHECK(out.write_all(std::string(3 << 20, 'x')));
  out.sync();
  out.close();
  file in(here / "a");
  CHECK(read_rest(in).size() == 3u << 20);
}

TEST_CASE("a closed file is closed for all calls, and a moved-from one is as closed") {
  const folder here;
  in_actor([&] {
    file f(here / "a", open_mode::create);
    CHECK(f.write_all("abc"));
    file g = std::move(f);
    CHECK_FALSE(f.is_open());
    CHECK(g.is_open());
    std::array<char, 3> three;
    CHECK(f.read_some(three).status == io_status::closed);
    g.close();
    g.close();
    CHECK(g.read_some(three).status == io_status::closed);
    CHECK(g.read_at(0, three).status == io_status::closed);
    CHECK(g.write_all("x").status == io_status::closed);
    CHECK(error_of([&] { g.size(); }) == "stat " + (here / "a") + ": closed by this side");
    CHECK(error_of([&] { g.position(); }).find("closed") != std::string::npos);
  });
}

TEST_CASE("descriptors do not go to child processes, and are given back") {
  const folder here;
  const std::string a = here.file("a", "x");
  in_actor([&] {
    { file warm_up(a); }
    const std::size_t before = testing::open_descriptors();
    for (int i = 0; i < testing::rounds(1000); ++i) {
      file f(a);
      if (i % 2 == 0) f.close();
      CHECK((fcntl(i % 2 == 0 ? 0 : f.native_handle(), F_GETFD) & FD_CLOEXEC) == (i % 2 == 0 ? 0 : FD_CLOEXEC));
      CHECK_THROWS_AS(file(here / "none"), weir::net::error);
      CHECK_THROWS_AS(file(here.path()), weir::net::error);
    }
    CHECK(testing::open_descriptors() == before);
  });
}

TEST_CASE("a cancel or a deadline ends a call that is still in line at once, and nothing has happened") {
  const folder here;
  // One thread, which is busy: every call is in line.
  weir::runtime r({.workers = testing::workers(), .blocking_threads = 1});
  r.run([&] {
    file out(here / "a", open_mode::write);
    std::mutex held;
    held.lock();
    weir::with_scope([&](weir::scope& s) {
      s.spawn("hog", [&] { weir::blocking([&] { std::lock_guard wait(held); }); });
      testing::eventually([&] { return r.blocking_stats().busy == 1; });
      const auto late = out.write_all("late", 1ms);
      CHECK(late.status == io_status::timeout);
      CHECK(late.bytes == 0);
      CHECK(error_of([&] { out.sync(1ms); }) == "sync " + (here / "a") + ": the deadline came first");
      bool met = false;
      weir::with_scope([&](weir::scope& inner) {
        inner.cancel();
        try {
          (void)out.write_all("cancelled");
        } catch (const weir::cancelled&) {
          met = true;
          throw;
        }
      });
      CHECK(met);
      held.unlock();
    });
    CHECK(out.bytes_written() == 0);
    CHECK(out.write_all("now"));
  });
  CHECK(content_of(here / "a") == "now");
  testing::check_expectations();
}

TEST_CASE("a cancel ends a long write between two steps, and the count says where") {
  const folder here;
  const std::string much(64 << 20, 'x');
  in_actor([&] {
    file out(here / "a", open_mode::write);
    for (;;) {  // until the cancel comes in the middle; the test's time limit is the limit
      const std::uint64_t before = out.bytes_written();
      out.seek(0);
      bool ended = false;
      weir::with_scope([&](weir::scope& s) {
        s.spawn("cancel", [&] {
          testing::eventually([&] { return out.bytes_written() != before; });
          s.cancel();
        });
        (void)out.write_all(much);
        ended = true;
      });
      const std::uint64_t went = out.bytes_written() - before;
      CHECK(out.position() == went);
      CHECK((ended ? went == much.size() : went >= 1u << 20));
      if (!ended && went < much.size()) return;  // seen
    }
  });
}

TEST_CASE("a read of what the kernel has in memory needs no other thread") {
  const folder here;
  const std::string a = here.file("a", std::string(100000, 'x'));
  weir::runtime r({.workers = testing::workers(), .blocking_threads = 1});
  r.run([&] {
    file in(a);
    std::array<char, 1000> part;
    CHECK(in.read_some(part));  // a file system that cannot say so is known from here on
    const auto before = r.blocking_stats().done;
    for (int i = 0; i < 50; ++i) CHECK(in.read_exactly(part));
    const auto used = r.blocking_stats().done - before;
    CHECK((used == 0 || used == 50));
    if (used != 0) WARN("this file system has no RWF_NOWAIT");
  });
}

TEST_CASE("close against calls of other actors: each ends ok or closed, and no descriptor is another's") {
  const folder here;
  const std::string a = here.file("a", std::string(4096, 'a')), b = here.file("b", std::string(4096, 'b'));
  in_actor([&] {
    for (int i = 0; i < testing::rounds(300); ++i) {
      file f(a);
      weir::with_scope([&](weir::scope& s) {
        for (int n = 0; n < 3; ++n)
          s.spawn("reader", [&] {
            std::array<char, 100> part;
            for (int k = 0; k < 20; ++k) {
              const auto got = f.read_at(static_cast<std::uint64_t>(k), part);
              EXPECT(got.status == io_status::ok || got.status == io_status::closed);
              for (std::size_t at = 0; at < got.bytes; ++at) EXPECT(part[at] == 'a');
              if (k % 7 == 0) weir::this_actor::yield();
            }
          });
        s.spawn("closer", [&] {
          weir::this_actor::yield();
          f.close();
          file other(b);  // may get the number
          weir::this_actor::yield();
        });
      });
      CHECK_FALSE(f.is_open());
    }
  });
}
