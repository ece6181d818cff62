#include "bench/net/server.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench/harness/memory.h"
#include "bench/net/cores.h"

namespace bench {

void fail(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

server::server(const char* program, const char* role, const char* workers, int core) {
  int ends[2];
  if (pipe(ends) != 0) fail("pipe");
  pid_ = fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // also when we exit in the middle
    if (core >= 0) pin_to(core);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl(program, program, role, workers, nullptr);
    fail(program);
  }
  close(ends[1]);
  std::FILE* const said = fdopen(ends[0], "r");
  if (std::fscanf(said, "%hu", &port_) != 1) {
    std::fprintf(stderr, "load: %s printed no port\n", program);
    std::exit(1);
  }
  std::fclose(said);
  if (clock_getcpuclockid(pid_, &clock_) != 0) fail("clock_getcpuclockid");
}

server::~server() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::int64_t server::cpu() const {
  timespec used{};
  if (clock_gettime(clock_, &used) != 0) fail("clock_gettime");
  return used.tv_sec * 1'000'000'000LL + used.tv_nsec;
}

std::int64_t server::memory() const { return occupied_bytes(pid_); }

}  // namespace bench
