#include "weir/net/pipe.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <future>
#include <string>
#include <vector>

#include "tests/child.h"
#include "tests/examples/program.h"
#include "tests/net/bytes.h"
#include "tests/net/raw_socket.h"
#include "tests/net/unprivileged.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/net/error.h"
#include "weir/net/on_stream.h"
#include "weir/net/tty.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/timeout.h"

using namespace std::chrono_literals;
using namespace weir;
using net::io_status;
using testing::in_actor;
using testing::shell;

namespace {

std::string rest_of(const net::stream& s) {
  std::string all;
  char part[4096];
  for (;;) {
    const auto r = s.read_some(part);
    all.append(part, r.bytes);
    if (!r) return all;
  }
}

struct terminal {
  int master = -1, slave = -1;
  terminal() { REQUIRE(openpty(&master, &slave, nullptr, nullptr, nullptr) == 0); }
};

}  // namespace

TEST_CASE("what goes into a pipe comes out, with back-pressure, and its end after it") {
  in_actor([] {
    const std::size_t before = testing::open_descriptors();
    {
      const auto [reader, writer] = net::make_pipe();
      constexpr std::uint64_t total = 2'000'000;
      with_scope([&, &reader = reader, &writer = writer](scope& s) {
        s.spawn("writer", [&] {
          EXPECT(writer.write_all(testing::bytes_of(3, 0, total)));
          EXPECT(writer.shutdown());
          EXPECT(writer.shutdown());
          EXPECT(writer.write_all("x").status == io_status::closed);
        });
        const std::string got = rest_of(reader);
        CHECK(got.size() == total);
        CHECK(testing::are_bytes_of(got, 3, 0));
      });
    }
    CHECK(testing::open_descriptors() == before);
  });
}

TEST_CASE("a pipe that nobody reads is a reset, and no signal") {
  in_actor([] {
    auto [reader, writer] = net::make_pipe();
    reader.reset();
    const auto r = writer.write_all("x");
    CHECK(r.status == io_status::reset);
    CHECK(r.code == EPIPE);
    sigset_t pending;
    sigpending(&pending);
    CHECK_FALSE(sigismember(&pending, SIGPIPE));
  });
}

TEST_CASE("a pipe waits, times out, is cancelled, closed and selected as every stream is") {
  in_actor([] {
    const auto [reader, writer] = net::make_pipe();
    char part[10];
    CHECK(reader.read_some(part, 1ms).status == io_status::timeout);
    CHECK_FALSE(within(1ms, [&, &reader = reader] { (void)reader.read_some(part); }));
    const auto r = writer.write_all(std::string(1'000'000, 'x'), 5ms);
    CHECK(r.status == io_status::timeout);
    CHECK(r.bytes == 65536);  // what a pipe holds
    CHECK(select(net::on_readable(reader, [] { return 1; }), net::on_writable(writer, [] { return 2; })) == 1);
    with_scope([&, &reader = reader, &writer = writer](scope& s) {
      s.spawn([&] { EXPECT(writer.write_all("y").status == io_status::closed); });
      this_actor::sleep(1ms);
      writer.close();
      reader.close();
    });
    CHECK(reader.read_some(part).status == io_status::closed);
    CHECK_THROWS_AS(net::make_pipe().reader.write_all("x"), net::error);  // the wrong direction
  });
}

TEST_CASE("a pipe of packets gives all of them, though one event tells of two") {
  in_actor(
      [] {
        int ends[2];
        REQUIRE(pipe2(ends, O_DIRECT | O_CLOEXEC) == 0);
        const auto reader = net::adopt(ends[0], "reader"), writer = net::adopt(ends[1], "writer");
        CHECK(within(10s, [&] {
          with_scope([&](scope& s) {
            s.spawn("reader", [&] {
              char part[10];
              for (int i = 0; i < 2; ++i) EXPECT(reader.read_some(part).bytes == 1);
            });
            this_actor::yield();  // the only worker: the reader is parked now, and hears of neither before both are
                                  // there
            EXPECT(writer.write_all("a"));
            EXPECT(writer.write_all("b"));
          });
        }));
      },
      1);
}

TEST_CASE("a file is a stream too: what was written is read, up to the end") {
  in_actor([] {
    testing::scratch folder;
    const std::string path = folder.file("x", "");
    const auto out = net::adopt(open(path.c_str(), O_WRONLY | O_CLOEXEC), "x");
    CHECK(out.write_all({"line one\n", "line two\n", "rest"}));
    CHECK(out.shutdown());
    CHECK(out.write_all("y").status == io_status::closed);
    const auto in = net::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC), "x");
    std::string line;
    CHECK(in.read_until(line, "\n"));
    CHECK(line == "line one\n");
    CHECK(in.read_until(line, "\n"));
    CHECK(in.read_until(line, "\n").status == io_status::end);
    CHECK(line == "rest");
    CHECK(select(net::on_readable(in, [] { return true; })));
    in.close();
    char part[1];
    CHECK(in.read_some(part).status == io_status::closed);

    const auto full = net::adopt(open("/dev/full", O_WRONLY | O_CLOEXEC), "/dev/full");
    CHECK_THROWS_WITH(full.write_all("x"), "write /dev/full: no space left on device (ENOSPC)");
    const auto zero = net::adopt(open("/dev/zero", O_RDONLY | O_CLOEXEC), "/dev/zero");
    CHECK(zero.read_exactly(part));
    CHECK(part[0] == '\0');
    CHECK(rest_of(net::adopt(open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null")).empty());
    CHECK_THROWS_WITH(net::adopt(-1, "nothing"), "fstat nothing: bad file descriptor (EBADF)");
  });
}

TEST_CASE("a terminal is read line by line, and its hang-up is the end") {
  in_actor([] {
    const terminal t;
    const auto user = net::adopt(t.master, "master"), program = net::adopt(t.slave, "slave");
    with_scope([&](scope& s) {
      s.spawn([&] {
        this_actor::sleep(1ms);
        EXPECT(user.write_all("hello\n"));
      });
      std::string line;
      CHECK(program.read_until(line, "\n"));
      CHECK(line == "hello\n");
    });
    char part[10];
    CHECK(program.read_some(part, 2ms).status == io_status::timeout);
    user.close();
    CHECK(program.read_some(part).status == io_status::end);
  });
}

TEST_CASE("a close of a terminal ends who reads and who waits for room in it") {
  in_actor([] {
    const terminal t;
    const auto user = net::adopt(t.master, "master"), program = net::adopt(t.slave, "slave");
    const std::string much(1'000'000, 'x');
    CHECK(program.write_all(much, 5ms).status == io_status::timeout);  // nobody reads what is shown
    with_scope([&](scope& s) {
      s.spawn("reads", [&] {
        char part[10];
        EXPECT(program.read_some(part).status == io_status::closed);
      });
      s.spawn("writes", [&] { EXPECT(program.write_all(much).status == io_status::closed); });
      this_actor::sleep(1ms);
      program.close();
    });
  });
}

TEST_CASE("raw mode gives each key at once, and the mode before is back, also after a cancel") {
  in_actor([] {
    const terminal t;
    const auto user = net::adopt(t.master, "master"), program = net::adopt(t.slave, "slave");
    const auto mode = [&] {
      termios m{};
      EXPECT(tcgetattr(t.slave, &m) == 0);
      return m.c_lflag;
    };
    const auto before = mode();
    CHECK((before & ICANON) != 0);
    CHECK_FALSE(within(2ms, [&] {
      const net::raw_mode keys(t.slave);
      EXPECT((mode() & (ICANON | ECHO | ISIG)) == 0);
      EXPECT(user.write_all("k"));
      char key[10];
      EXPECT(program.read_some(key).bytes == 1);
      (void)program.read_some(key);  // is cancelled
    }));
    CHECK(mode() == before);
    {
      const net::raw_mode keys(t.slave, {.signals = true});
      CHECK((mode() & ISIG) != 0);
    }
    CHECK(mode() == before);
    CHECK_THROWS_AS(net::raw_mode(-1), net::error);
  });
}

TEST_CASE("the size of a terminal is known, and what is none has no size") {
  const terminal t;
  const winsize set{50, 132, 0, 0};
  REQUIRE(ioctl(t.slave, TIOCSWINSZ, &set) == 0);
  const auto size = net::terminal_size(t.slave);
  REQUIRE(size);
  CHECK(size->columns == 132);
  CHECK(size->rows == 50);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK_FALSE(net::terminal_size(null));
  close(null);
  close(t.master);
  close(t.slave);
  CHECK_THROWS_AS(net::terminal_size(-1), net::error);
}

TEST_CASE("stdin and stdout are streams, whatever the shell makes of them") {
  const std::string cat = "tests/net/cat";
  CHECK(shell("printf abc | " + cat).out == "abc");
  CHECK(shell("(sleep 0.05; printf late) | " + cat + " | cat").out == "late");
  CHECK(shell(cat + " < /dev/null").status == 0);
  testing::scratch folder;
  const std::string file = folder.file("big", testing::bytes_of(5, 0, 3'000'000));
  CHECK(shell(cat + " < " + file + " | cmp - " + file).status == 0);
  CHECK(shell(cat + " < " + file + " > " + file + ".copy && cmp " + file + " " + file + ".copy").status == 0);
  CHECK(shell("cat " + file + " | " + cat + " | (sleep 0.05; cmp - " + file + ")").status == 0);
  // A file's position is the shell's.
  CHECK(shell("(printf a; printf b | " + cat + "; printf c) > " + file + "; cat " + file).out == "abc");
  // Nobody reads: no death by SIGPIPE, and no complaint of the kernel's.
  CHECK(shell(cat + " < /dev/zero | head -c 10 > /dev/null; echo ${PIPESTATUS[0]}").out == "1\n");
  CHECK(shell(cat + " < /dev/zero > /dev/full").err == "write stdout: no space left on device (ENOSPC)\n");
}

TEST_CASE("what others share with the process stays as it was") {
  // A pipe made non-blocking would fail for the process that reads it next.
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(write(ends[1], "abc", 3) == 3);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[0], STDIN_FILENO);
    close(ends[1]);
    execl("tests/net/cat", "cat", nullptr);
    _exit(127);
  }
  close(ends[1]);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
  close(ends[0]);
}

TEST_CASE("a call on a file that stands in line for a thread ends by its deadline, and in an actor that unwinds") {
  testing::scratch folder;
  const std::string path = folder.file("x", "abc");
  weir::runtime r({.workers = testing::workers(), .blocking_threads = 1});
  r.run([&] {
    const auto in = net::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC), "x");
    const auto out = net::adopt(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC), "x");
    std::atomic<bool> begun{false};
    std::promise<void> enough;
    char part[10];
    with_scope([&](scope& s) {
      s.spawn("has the only thread", [&] {
        blocking([&] {
          begun = true;
          enough.get_future().wait();
        });
      });
      testing::eventually([&] { return begun.load(); });
      // Again, if its time was over before it stood in line: such a call gets what is in memory.
      const auto in_line = [](auto call) {
        net::io_result end = call();
        while (end) end = call();
        return end;
      };
      const std::string other = folder.file("y", "abc");
      const auto reopened = [&](int flags) { return net::adopt(open(other.c_str(), flags | O_CLOEXEC), "y"); };
      CHECK(in_line([&] { return reopened(O_WRONLY).write_all("x", 2ms); }).status == io_status::timeout);
      CHECK(in_line([&] { return reopened(O_RDONLY).read_some(part, 2ms); }).status == io_status::timeout);
      CHECK_FALSE(within(2ms, [&] { (void)out.write_all("x"); }));
      io_status in_destructor{};
      struct probe {
        const net::stream& on;
        io_status& status;
        ~probe() { status = on.write_all("x").status; }
      };
      CHECK_FALSE(within(1ms, [&] {
        const probe p{out, in_destructor};
        this_actor::sleep(1h);
      }));
      CHECK(in_destructor == io_status::closed);
      enough.set_value();
    });
    CHECK(out.write_all("d", 1h));
    CHECK(in.read_exactly(std::span(part).first(4), 1h));
    CHECK(std::string_view(part, 4) == "abcd");
  });
  testing::check_expectations();
}

TEST_CASE("a call on a file whose deadline is over gets what the kernel has in memory") {
  in_actor([] {
    testing::scratch folder;
    const std::string path = folder.file("x", "abc");
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    char part[10];
    const iovec into{part, sizeof part};
    const bool says_so = preadv2(fd, &into, 1, 0, RWF_NOWAIT) == 3;
    const auto in = net::adopt(fd, "x");
    CHECK(in.read_some(part, -1s).status == (says_so ? io_status::ok : io_status::timeout));
    if (!says_so) WARN("this file system has no RWF_NOWAIT");
    // A device never makes one wait.
    CHECK(net::adopt(open("/dev/zero", O_RDONLY | O_CLOEXEC), "/dev/zero").read_exactly(part, -1s));
  });
}

TEST_CASE("child: stdin cannot be opened anew", "[.child]") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(fchmod(ends[0], 0) == 0);
  REQUIRE(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
  REQUIRE(testing::drop_file_privileges());
  REQUIRE(open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC) == -1);
  in_actor([&] {
    const auto in = net::standard_input();
    char part[10];
    const auto readable = [&](deadline limit) {
      return select(net::on_readable(in, [] { return true; }), after(limit, [] { return false; }));
    };
    CHECK(in.read_some(part, 1ms).status == io_status::timeout);
    CHECK(in.read_some(part, -1s).status == io_status::timeout);
    CHECK_FALSE(within(1ms, [&] { (void)in.read_some(part); }));
    CHECK_FALSE(readable(1ms));
    CHECK_THROWS_WITH(in.write_all("x"), "write stdin: bad file descriptor (EBADF)");
    for (int i = 0; i < 3; ++i) {
      REQUIRE(write(ends[1], "abc", 3) == 3);
      CHECK(readable(1h));
      CHECK(in.read_some(std::span(part).first(2), 1h).bytes == 2);
      CHECK(in.read_some(part).bytes == 1);
    }
    with_scope([&](scope& s) {
      s.spawn("reader", [&] {
        EXPECT(in.read_some(part).bytes == 4);
        EXPECT(in.read_some(part).status == io_status::closed);
      });
      this_actor::sleep(1ms);  // so that it waits; the outcome is the same if it does not
      REQUIRE(write(ends[1], "late", 4) == 4);
      testing::eventually([&] { return in.bytes_read() == 3 * 3 + 4; });
      this_actor::sleep(1ms);
      in.close();
    });
  });
  CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("child: stderr cannot be opened anew", "[.child]") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(fchmod(ends[1], 0) == 0);
  const int usual = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  REQUIRE(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
  REQUIRE(testing::drop_file_privileges());
  REQUIRE(open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC) == -1);
  in_actor([&] {
    const auto out = net::standard_error();
    char part[10];
    CHECK(out.write_all({"two ", "pieces"}, 1h));
    CHECK(read(ends[0], part, sizeof part) == 10);
    CHECK(std::string_view(part, sizeof part) == "two pieces");
    const std::string much(100'000, 'x');
    const std::size_t holds = 65536;  // of a pipe
    const auto r = out.write_all(much, 5ms);
    CHECK(r.status == io_status::timeout);
    CHECK(r.bytes <= holds);  // a busy machine may not have come further
    CHECK(out.bytes_written() == 10 + r.bytes);
    CHECK(out.write_all(std::string(holds - r.bytes, 'x'), 1h));
    const auto none = out.write_all("y", 1ms);
    CHECK(none.status == io_status::timeout);
    CHECK(none.bytes == 0);
    CHECK_FALSE(within(1ms, [&] { (void)out.write_all("y"); }));
    with_scope([&](scope& s) {
      s.spawn("writer", [&] {
        EXPECT(out.write_all(much).status == io_status::closed);
        EXPECT(out.bytes_written() >= 10 + holds + 4096);
      });
      std::string all(holds + 4096, '\0');
      for (std::size_t at = 0; at < all.size();) {
        const ssize_t n = read(ends[0], all.data() + at, all.size() - at);
        REQUIRE(n > 0);
        at += static_cast<std::size_t>(n);
        testing::eventually([&] { return out.bytes_written() > 10 + at; });
      }
      out.close();
    });
  });
  dup2(usual, STDERR_FILENO);
  CHECK((fcntl(ends[1], F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE(
    "a standard stream that cannot be opened anew waits, times out, is cancelled, closed and selected all the same") {
  for (const char* child : {"child: stdin cannot be opened anew", "child: stderr cannot be opened anew"}) {
    const auto end = testing::run_child(child);
    INFO(end.output);
    CHECK(end.exit_status == 0);
  }
}
