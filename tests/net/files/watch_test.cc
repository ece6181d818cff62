// weir::net::watcher.
#include "weir/net/files/watch.h"

#include <sys/stat.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/net/folder.h"
#include "tests/testing.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/net/error.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using testing::folder;
using testing::in_actor;
using weir::net::change;
using weir::net::change_kind;
using weir::net::watcher;
using strings = std::vector<std::string>;

std::string text(const change& c, const folder& here) {
  return std::string(name_of(c.kind)) + (c.directory ? " directory " : " ") +
         c.path.lexically_relative(here.path()).string();
}

// The next `count` changes.
strings next_of(watcher& w, const folder& here, std::size_t count) {
  strings all;
  while (all.size() < count) all.push_back(text(*w.next(), here));
  return all;
}

}  // namespace

TEST_CASE("a watched directory tells what comes and goes and changes in it, in order") {
  const folder here;
  in_actor([&] {
    watcher w(here.path());
    here.file("a", "x");
    CHECK(next_of(w, here, 3) == strings{"created a", "modified a", "written a"});
    chmod((here / "a").c_str(), 0600);
    CHECK(next_of(w, here, 1) == strings{"attributes a"});
    fs::rename(here / "a", here / "b");
    const change away = *w.next(), back = *w.next();
    CHECK(text(away, here) == "moved away a");
    CHECK(text(back, here) == "moved here b");
    CHECK(away.move == back.move);
    CHECK(away.move != 0);
    fs::create_directory(here / "sub");
    here.file("sub/unseen", "x");
    fs::remove(here / "b");
    CHECK(next_of(w, here, 2) == strings{"created directory sub", "removed b"});
    CHECK_FALSE(w.next(10ms).has_value());
    CHECK(w.is_open());
  });
}

TEST_CASE("a watched file tells of itself, and when it is gone it is not watched any more") {
  const folder here;
  const std::string a = here.file("a", "x"), b = here.file("b", "x");
  in_actor([&] {
    watcher w;
    w.add(a);
    w.add(b);
    std::ofstream(a, std::ios::app) << "y";
    CHECK(next_of(w, here, 2) == strings{"modified a", "written a"});
    fs::rename(a, here / "c");
    CHECK(next_of(w, here, 1) == strings{"gone a"});
    std::ofstream(here / "c", std::ios::app) << "z";
    CHECK(w.remove(b));
    CHECK_FALSE(w.remove(b));
    CHECK_FALSE(w.remove(a));
    std::ofstream(b, std::ios::app) << "z";
    CHECK_FALSE(w.next(10ms).has_value());
    w.add(b);
    fs::remove(b);
    CHECK(w.next()->kind == change_kind::attributes);  // one name less
    CHECK(next_of(w, here, 1) == strings{"gone b"});
  });
}

TEST_CASE("what cannot be watched is an error with the path") {
  const folder here;
  in_actor([&] {
    try {
      watcher w(here / "none");
      FAIL_CHECK("nothing was thrown");
    } catch (const weir::net::error& e) {
      CHECK(std::string(e.what()) == "watch " + (here / "none") + ": no such file or directory (ENOENT)");
    }
  });
}

TEST_CASE("a waiter is woken by a change, its deadline, a close and a cancel") {
  const folder here;
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      watcher w(here.path());
      std::atomic<int> seen{0};
      s.spawn("waiter", [&] {
        for (change& c : w) {
          EXPECT(c.path.filename() == "d");
          ++seen;
        }
        EXPECT(!w.is_open());
        ++seen;
      });
      weir::this_actor::sleep(5ms);  // so that it waits, most times
      fs::create_directory(here / "d");
      testing::eventually([&] { return seen == 1; });
      w.close();
      testing::eventually([&] { return seen == 2; });
      CHECK_FALSE(w.next().has_value());
      CHECK_THROWS_AS(w.add(here.path()), weir::net::error);
    });
    watcher w(here.path());
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(w.next(20ms).has_value());
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    bool met = false;
    weir::with_scope([&](weir::scope& s) {
      s.spawn("cancel", [&] { s.cancel(); });
      try {
        while (w.next()) {
        }
      } catch (const weir::cancelled&) {
        met = true;
        throw;
      }
    });
    CHECK(met);
    fs::remove(here / "d");
    CHECK(w.next()->kind == change_kind::removed);  // nothing was lost by the cancel
  });
}

TEST_CASE("a change is a case of select beside channels, and each is told once") {
  const folder here;
  in_actor([&] {
    weir::with_scope([&](weir::scope& s) {
      watcher w(here.path());
      auto [tx, rx] = weir::channel<int>(4);
      const int rounds = testing::rounds(200);
      s.spawn("maker", [&, tx = std::move(tx)] {
        for (int i = 0; i < rounds; ++i) {
          fs::create_directory(here / ("d" + std::to_string(i)));
          if (i % 3 == 0) tx.send(i);
          if (i % 7 == 0) weir::this_actor::sleep(100us);
        }
      });
      int changes = 0, values = 0, nothing = 0;
      bool open = true;
      while (open || changes < rounds)
        weir::select(weir::on_recv(rx, [&](std::optional<int> v) { v ? ++values : open = false; }).when(open),
                     weir::net::on_change(w, [&](std::optional<change> c) {
                       if (!c) {
                         ++nothing;
                         return;
                       }
                       CHECK(c->path.filename() == "d" + std::to_string(changes));
                       ++changes;
                     }));
      CHECK(values == (rounds + 2) / 3);
      CHECK_FALSE(w.next(1ms).has_value());
      w.close();
      bool told = false;
      weir::select(weir::net::on_change(w, [&](std::optional<change> c) { told = !c.has_value(); }));
      CHECK(told);
    });
  });
}

TEST_CASE("a second actor that waits is misuse") {
  const folder here;
  in_actor([&] {
    watcher w(here.path());
    weir::with_scope([&](weir::scope& s) {
      std::atomic<int> refused{0};
      // Whichever of them comes first waits, and the other is refused.
      for (int i = 0; i < 2; ++i)
        s.spawn("waiter", [&] {
          try {
            w.next();
          } catch (const weir::misuse& e) {
            EXPECT(std::string(e.what()).find("watch: at most one actor may read at a time") == 0);
            ++refused;
          }
        });
      testing::eventually([&] { return refused == 1; });
      s.cancel();
    });
  });
}

TEST_CASE("more changes than the kernel keeps are told as lost") {
  const folder here;
  std::size_t most = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  if (most == 0 || most > 100'000) return;  // it would take too long
  in_actor([&] {
    watcher w(here.path());
    // Equal ones that follow each other are one, so two take turns.
    const std::string a = here.file("a", "x"), b = here.file("b", "x");
    for (std::size_t i = 0; i <= most; ++i) chmod(i % 2 == 0 ? a.c_str() : b.c_str(), 0600);
    std::size_t count = 0;
    std::optional<change> last;
    while (std::optional<change> c = w.next(0s)) last = c, ++count;
    CHECK(count <= most + 1);
    REQUIRE(last.has_value());
    CHECK(last->kind == change_kind::lost);
    CHECK(last->path.empty());
  });
}

TEST_CASE("descriptors stay flat, and a plain thread may watch") {
  const folder here;
  watcher threads_own(here.path());
  fs::create_directory(here / "d");
  CHECK(threads_own.next()->kind == change_kind::created);
  CHECK_FALSE(threads_own.next(1ms).has_value());
  in_actor([&] {
    { watcher warm_up(here.path()); }
    const std::size_t before = testing::open_descriptors();
    for (int i = 0; i < testing::rounds(500); ++i) {
      watcher w(here.path());
      w.next(0s);
      if (i % 2 == 0) w.close();
    }
    CHECK(testing::open_descriptors() == before);
  });
}
