// A descriptor between the actors that use it, the worker that hears of it, and whoever closes it: each race that
// readiness.h names, on real sockets and pipes. The interleavings are explored in tests/explorer/readiness_test.cc.
#include "weir/runtime/internal/descriptor.h"

#include <atomic>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/deadlocks.h"
#include "tests/dump.h"
#include "tests/runtime/descriptors.h"
#include "tests/testing.h"
#include "weir/runtime/internal/idle_threads.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"
#include "weir/runtime/wait_fd.h"

using namespace std::chrono_literals;
using namespace testing;
using weir::internal::descriptor_wait;

namespace {

constexpr auto bytes = descriptor::kind::bytes;

template <class F>
std::string misuse(F f) {
  try {
    f();
  } catch (const weir::misuse& e) {
    return e.what();
  }
  return "no misuse";
}

}  // namespace

TEST_CASE("a read parks until bytes come and says in a dump what it waits for") {
  const auto [here, there] = sockets();
  in_actor([&] {
    descriptor d(here, bytes);
    weir::with_scope([&](weir::scope& s) {
      s.spawn("reader", [&] { EXPECT(read_text(d) == "hello"); });
      eventually([] { return waits("reader", "read"); });
      CHECK(row(dump(), "reader").find("read fd " + std::to_string(here)) != std::string::npos);
      CHECK(write(there, "hello", 5) == 5);
    });
  });
  close(there);
}

TEST_CASE("a write that fills the pipe parks until there is room") {
  const auto [from, to] = pipe_ends();
  in_actor([&, from = from, to = to] {
    descriptor reads(from, bytes), writes(to, bytes);
    const std::string text(1 << 20, 'x');
    weir::with_scope([&](weir::scope& s) {
      s.spawn("writer", [&] {
        EXPECT(write_all(writes, text));
        EXPECT(writes.close());
      });
      std::size_t sum = 0;
      for (std::string got; !(got = read_text(reads)).empty();) sum += got.size();
      CHECK(sum == text.size());
    });
  });
}

TEST_CASE("after a short transfer the next one parks at once and misses nothing") {
  const auto [from, to] = pipe_ends();
  in_actor([&, from = from, to = to] {
    descriptor reads(from, bytes), writes(to, bytes);
    for (int i = 0; i < rounds(2000); ++i) {
      weir::with_scope([&](weir::scope& s) {
        s.spawn([&] { EXPECT(write_all(writes, "one")); });
        EXPECT(read_text(reads) == "one");
      });
      descriptor::operation op(reads, direction::read, "read", weir::site::current());
      EXPECT(!op.may_try());
    }
  });
}

TEST_CASE("the end of the other side after a short read is seen") {
  for (int i = 0; i < rounds(2000); ++i) {
    const auto [here, there] = sockets();
    in_actor([&] {
      descriptor d(here, bytes), other(there, bytes);
      weir::with_scope([&](weir::scope& s) {
        s.spawn([&] {
          EXPECT(write_all(other, "last"));
          if (i % 2 == 0) weir::this_actor::yield();
          other.close();
        });
        EXPECT(read_text(d) == "last");
        EXPECT(read_some(d, nullptr, 0).how == wait_result::ready);
        char one;
        const transfer end = read_some(d, &one, 1);
        EXPECT(end.how == wait_result::ready && end.bytes == 0 && end.error == 0);
      });
    });
  }
}

TEST_CASE("a deadline ends a wait and the descriptor works on") {
  const auto [here, there] = sockets();
  in_actor([&] {
    descriptor d(here, bytes);
    char one;
    CHECK(read_some(d, &one, 1, 5ms).how == wait_result::timeout);
    CHECK(read_some(d, &one, 1, weir::deadline(-1ms)).how == wait_result::timeout);
    CHECK(write(there, "ab", 2) == 2);
    CHECK(read_text(d) == "ab");
    CHECK(write(there, "c", 1) == 1);
    // The try comes before the look at the clock, as soon as the kernel's word is there.
    eventually([&] { return read_some(d, &one, 1, weir::deadline(-1ms)).bytes == 1; });
  });
  close(there);
}

TEST_CASE("a cancel ends a wait and the descriptor works on") {
  const auto [here, there] = sockets();
  in_actor([&] {
    descriptor d(here, bytes);
    char one;
    const auto got = weir::within(5ms, [&] {
      EXPECT(read_some(d, &one, 1).how == wait_result::cancelled);
      weir::internal::meet_cancel("read");
      EXPECT(false);
      return 0;
    });
    CHECK(!got);
    CHECK(write(there, "x", 1) == 1);
    CHECK(read_text(d) == "x");
  });
  close(there);
}

TEST_CASE("what came before the deadline is read though the worker computed until after it") {
  in_actor(
      [] {
        constexpr int readers = 100;  // more than the kernel tells at once
        for (auto span = 20ms;; span *= 2) {
          std::vector<fd_pair> own, foreign;
          std::vector<descriptor> read;
          for (int i = 0; i < readers; ++i) {
            read.emplace_back(own.emplace_back(sockets()).a);
            foreign.push_back(sockets());
          }
          const auto limit = std::chrono::steady_clock::now() + span;
          int began = 0, came = 0;
          bool in_time = false;
          weir::with_scope([&](weir::scope& s) {
            for (const descriptor& d : read)
              s.spawn([&] {
                ++began;
                came += read_text(d, limit) == "x";
              });
            for (const fd_pair& p : foreign)
              s.spawn([&, fd = p.a] {
                ++began;
                came += weir::wait_fd(fd, weir::fd_event::readable, limit);
              });
            eventually([&] { return began == 2 * readers; });
            for (const fd_pair& p : own) EXPECT(write(p.b, "x", 1) == 1);
            for (const fd_pair& p : foreign) EXPECT(write(p.b, "x", 1) == 1);
            in_time = std::chrono::steady_clock::now() < limit;
            while (std::chrono::steady_clock::now() < limit + 1ms) {
            }
          });
          for (const fd_pair& p : own) close(p.b);
          for (const fd_pair& p : foreign) close(p.a), close(p.b);
          if (!in_time) continue;  // the machine is too slow for that: again, with more time
          CHECK(came == 2 * readers);
          return;
        }
      },
      1);
}

TEST_CASE("close wakes both directions and the last operation out closes the descriptor") {
  const auto [here, there] = sockets();
  in_actor([&] {
    descriptor d(here, bytes);
    weir::with_scope([&](weir::scope& s) {
      s.spawn("reader", [&] { EXPECT(read_text(d).empty()); });
      s.spawn("writer", [&] {
        while (write_some(d, std::string(4096, 'x').data(), 4096).how == wait_result::ready) {
        }
      });
      std::optional<descriptor::loan> loan(std::in_place, d);
      REQUIRE(*loan);
      eventually([] { return waits("reader", "read") && waits("writer", "write"); });
      CHECK(d.close());
      CHECK(!d.close());
      eventually([&] { return !waits("reader", "read") && !waits("writer", "write"); });
      CHECK(is_open(here));  // the loan is still under way
      CHECK(!d.is_open());
      CHECK(!descriptor::loan(d));
      loan.reset();
      eventually([&] { return !is_open(here); });  // when the reader and the writer have gone on as well
      CHECK(read_some(d, nullptr, 0).how == wait_result::closed);
    });
  });
  close(there);
}

TEST_CASE("an operation outlives the handle that it began with") {
  const auto [here, there] = sockets();
  in_actor([&] {
    std::optional<descriptor> d(std::in_place, here, bytes);
    weir::with_scope([&](weir::scope& s) {
      s.spawn("reader", [&] { EXPECT(read_text(*d).empty()); });
      eventually([] { return waits("reader", "read"); });
      d.reset();
    });
    CHECK(!is_open(here));
  });
  close(there);
}

TEST_CASE("a second reader is misuse and so is a second writer") {
  const auto [here, there] = sockets();
  in_actor([&] {
    descriptor d(here, bytes);
    const descriptor::operation reading(d, direction::read, "read", weir::site::current());
    const std::string text = misuse([&] { descriptor::operation(d, direction::read, "read", weir::site::current()); });
    CHECK_THAT(text, Catch::Contains("read: at most one actor may read at a time, got a second reader of fd " +
                                     std::to_string(here)));
    CHECK_THAT(text, Catch::Contains("weir::mutex"));
    const descriptor::operation writing(d, direction::write, "write", weir::site::current());
    CHECK(misuse([&] {
            descriptor::operation(d, direction::write, "write", weir::site::current());
          }).find("a second writer") != std::string::npos);
  });
  close(there);
}

TEST_CASE("a descriptor for many wakes all who wait and each gets its own") {
  const auto [here, there] = sockets(SOCK_SEQPACKET);
  in_actor([&] {
    descriptor d(here, descriptor::kind::records, descriptor::users::many);
    constexpr int readers = 8, messages = 4000;
    std::atomic<int> sum{0}, count{0};
    weir::with_scope([&](weir::scope& s) {
      for (int i = 0; i < readers; ++i)
        s.spawn([&] {
          for (;;) {
            int value = 0;
            const transfer t = read_some(d, &value, sizeof value);
            if (t.bytes == 0) return;
            sum += value;
            ++count;
          }
        });
      descriptor other(there);
      for (int i = 0; i < messages; ++i) EXPECT(write_some(other, &i, sizeof i).bytes == sizeof i);
    });
    CHECK(count == messages);
    CHECK(sum == messages * (messages - 1) / 2);
  });
}

TEST_CASE("what the kernel cannot watch is an error of the wait and not a hang") {
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int folder = open("/", O_RDONLY | O_CLOEXEC);
  in_actor([&] {
    descriptor d(folder);
    const descriptor_wait why("read", folder, weir::site::current());
    descriptor::operation op(d, direction::read, "read", weir::site::current());
    REQUIRE(op.may_try());
    op.would_block();
    CHECK_THROWS_WITH(op.wait(why, 1s), Catch::Contains("Operation not permitted"));
  });
  close(file);
}

TEST_CASE("plain threads read and write and are woken by close") {
  const auto [here, there] = sockets();
  descriptor a(here, bytes), b(there, bytes);
  std::thread echo([&] {
    for (std::string got; !(got = read_text(b)).empty();) EXPECT(write_all(b, got));
  });
  for (int i = 0; i < rounds(2000); ++i) {
    CHECK(write_all(a, "ping"));
    CHECK(read_text(a) == "ping");
  }
  char one;
  CHECK(read_some(a, &one, 1, 5ms).how == wait_result::timeout);
  b.close();
  echo.join();
  CHECK(!is_open(there));
  CHECK(read_text(a).empty());
  check_expectations();
}

TEST_CASE("a plain thread and an actor use one descriptor in turn") {
  const auto [here, there] = sockets();
  descriptor a(here, bytes), b(there, bytes);
  in_actor([&] {
    CHECK(write_all(b, "for the actor"));
    CHECK(read_text(a) == "for the actor");
    char one;
    CHECK(read_some(a, &one, 1, 1ms).how == wait_result::timeout);  // it has joined by now
  });
  std::thread late([&] { EXPECT(write_all(b, "for the thread")); });
  CHECK(read_text(a) == "for the thread");  // the runtime is gone
  late.join();
  check_expectations();
}

TEST_CASE("a descriptor moves to another runtime when its first one ends while it is waited for") {
  const auto [here, there] = sockets();
  descriptor a(here, bytes), b(there, bytes);
  weir::runtime second({.workers = testing::workers()});
  std::optional<weir::runtime> first(std::in_place, weir::runtime_options{.workers = testing::workers()});
  char one;
  first->run([&] { EXPECT(read_some(a, &one, 1, 1ms).how == wait_result::timeout); });
  auto reader = second.spawn("reader", [&] { EXPECT(read_text(a) == "late"); });
  while (!waits("reader", "read")) std::this_thread::yield();
  first.reset();
  std::this_thread::yield();
  CHECK(write_all(b, "late"));
  reader.join();
  check_expectations();
}

TEST_CASE("a duplicate of a closed descriptor wakes nobody else") {
  const auto [here, there] = sockets();
  const int copy = dup(here);
  in_actor([&] {
    std::optional<descriptor> d(std::in_place, here, bytes);
    char one;
    CHECK(read_some(*d, &one, 1, 1ms).how == wait_result::timeout);
    d.reset();
    const auto [again, other] = sockets_at(here);  // the memory comes back as well
    descriptor next(again, bytes);
    CHECK(write(there, "x", 1) == 1);
    CHECK(read_some(next, &one, 1, 20ms).how == wait_result::timeout);
    CHECK(write(other, "y", 1) == 1);
    CHECK(read_text(next) == "y");
    close(other);
  });
  close(copy), close(there);
}

TEST_CASE("a wait for a descriptor is no deadlock") {
  const auto [here, there] = sockets();
  in_actor([&] {
    descriptor d(here, bytes);
    weir::internal::idle_threads_of_process.add_apart();  // the thread below, which uses no weir
    std::thread outside([&] {
      const looks l(1);
      l.await();
      EXPECT(write(there, "x", 1) == 1);
    });
    CHECK(read_text(d) == "x");
    weir::internal::idle_threads_of_process.remove_apart();
    outside.join();
  });
  close(there);
}

TEST_CASE("readiness and timeout and cancel and close compete for a wait and one of them ends it") {
  std::mt19937 random(5);
  in_actor([&] {
    int seen[4] = {};
    for (int i = 0; i < rounds(10'000); ++i) {
      const auto [here, there] = sockets();
      descriptor d(here, bytes), other(there, bytes);
      const unsigned dice = static_cast<unsigned>(random());
      weir::actor_ref<void> reader;  // out here, as those who cancel it may run after the body
      weir::with_scope([&](weir::scope& s) {
        reader = s.spawn([&] {
          char one;
          const transfer t =
              read_some(d, &one, 1, dice & 1 ? weir::deadline(std::chrono::microseconds(dice % 64)) : weir::deadline());
          EXPECT(t.how != wait_result::ready || (t.bytes == 1 && one == 'x'));
          ++seen[static_cast<int>(t.how)];
        });
        if (dice & 2) s.spawn([&] { d.close(); });
        if (dice & 4) s.spawn([&] { reader.cancel(); });
        if (dice & 8 || (dice & 7) == 0) s.spawn([&] { EXPECT(write(there, "x", 1) == 1 || errno == EPIPE); });
        try {
          reader.join();
        } catch (const weir::actor_cancelled&) {
        }
      });
    }
    for (int n : seen) CHECK(n > 0);
  });
}

TEST_CASE("random closes against reads and writes never let a byte reach another stream") {
  constexpr int pairs = 8;
  in_actor([&] {
    std::atomic<std::uint32_t> made{0};
    std::atomic<long> moved{0};
    weir::with_scope([&](weir::scope& s) {
      for (int p = 0; p < pairs; ++p)
        s.spawn([&] {
          for (int i = 0; i < rounds(2000) / pairs + 1; ++i) {
            const std::uint32_t id = ++made;
            const auto [here, there] = sockets();
            descriptor a(here, bytes), b(there, bytes);
            const auto send = [&, id](const descriptor& d) {
              return [&, id] {
                while (write_some(d, &id, sizeof id).bytes == sizeof id) moved += sizeof id;
              };
            };
            const auto receive = [&, id](const descriptor& d) {
              return [&, id] {
                std::uint32_t got[16];
                for (;;) {
                  const transfer t = read_some(d, got, sizeof got);
                  if (t.bytes == 0) return;
                  EXPECT(t.bytes % sizeof id == 0);
                  for (std::size_t n = 0; n < t.bytes / sizeof id; ++n) EXPECT(got[n] == id);
                }
              };
            };
            weir::with_scope([&](weir::scope& inner) {
              inner.spawn(send(a)), inner.spawn(receive(b)), inner.spawn(send(b)), inner.spawn(receive(a));
              for (unsigned n = id % 7; n > 0; --n) weir::this_actor::yield();
              inner.spawn([&] { a.close(); });
              inner.spawn([&] { b.close(); });
            });
          }
        });
    });
    CHECK(moved > 0);
  });
}
