#include "bench/net/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>

#include "bench/harness/memory.h"
#include "bench/net/cores.h"

namespace bench {

void fail(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

namespace {

std::int64_t cpu_of(pid_t process) {
  clockid_t clock;
  if ((errno = clock_getcpuclockid(process, &clock)) != 0) fail("clock_getcpuclockid");
  timespec used{};
  if (clock_gettime(clock, &used) != 0) fail("clock_gettime");
  return used.tv_sec * 1'000'000'000LL + used.tv_nsec;
}

}  // namespace

program::program(const std::vector<std::string>& command, int core) : name_(command.front()) {
  std::vector<char*> arguments;
  for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  pid_ = fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // also when we exit in the middle
    if (core >= 0) pin_to(core);
    dup2(ends[1], STDOUT_FILENO);
    execv(arguments.front(), arguments.data());
    fail(arguments.front());
  }
  close(ends[1]);
  said_by_ = ends[0];
}

program::~program() {
  close(said_by_);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string program::line(const char* missing, program* beside) {
  for (;;) {
    if (const std::size_t end = said_.find('\n'); end != said_.npos) {
      std::string first = said_.substr(0, end);
      said_.erase(0, end + 1);
      return first;
    }
    std::array<pollfd, 2> ready{{{said_by_, POLLIN, 0}, {beside != nullptr ? beside->said_by_ : -1, POLLIN, 0}}};
    if (poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) fail("poll");
    if (ready[0].revents != 0 && !take_some()) ended(missing);
    if (ready[1].revents != 0 && !beside->take_some()) beside->ended(missing);
  }
}

bool program::take_some() {
  std::array<char, 256> piece;
  const ssize_t n = read(said_by_, piece.data(), piece.size());
  if (n < 0 && errno != EINTR) fail("read");
  if (n > 0) said_.append(piece.data(), static_cast<std::size_t>(n));
  return n != 0;
}

void program::ended(const char* missing) {
  siginfo_t how{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &how, WEXITED | WNOWAIT) != 0) fail("waitid");
  if (how.si_code == CLD_EXITED && how.si_status != 0) std::exit(how.si_status);  // it has said why
  std::fprintf(stderr, "load: %s printed no %s\n", name_.c_str(), missing);
  std::exit(1);
}

std::int64_t program::cpu() const {
  std::int64_t sum = cpu_of(pid_);
  const std::string own = std::to_string(pid_);
  std::ifstream children("/proc/" + own + "/task/" + own + "/children");
  if (!children) fail("/proc/PID/task/TID/children");  // rather than a figure without them
  for (pid_t child; children >> child;) sum += cpu_of(child);
  return sum;
}

std::int64_t program::memory() const { return occupied_bytes(pid_); }

}  // namespace bench
