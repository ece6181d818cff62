#include "weir/net/process/internal/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "weir/net/error.h"
#include "weir/net/process/internal/pidfd.h"

namespace weir::net::internal {
namespace {

[[noreturn]] void fail(const process_spec& spec, int code) { throw error(code, "spawn", spec.program); }

// posix_spawn's lists of what the child does before exec. They only allocate.
class actions {
 public:
  explicit actions(const process_spec& spec) : spec_(spec) { check(posix_spawn_file_actions_init(&list_)); }
  actions(const actions&) = delete;
  ~actions() { posix_spawn_file_actions_destroy(&list_); }
  void dup(int from, int to) { check(posix_spawn_file_actions_adddup2(&list_, from, to)); }
  void go_to(const char* directory) { check(posix_spawn_file_actions_addchdir_np(&list_, directory)); }
  void close_from(int fd) { check(posix_spawn_file_actions_addclosefrom_np(&list_, fd)); }
  const posix_spawn_file_actions_t* get() const noexcept { return &list_; }

 private:
  void check(int code) const {
    if (code != 0) fail(spec_, code);
  }
  const process_spec& spec_;
  posix_spawn_file_actions_t list_;
};

class attributes {
 public:
  explicit attributes(const process_spec& spec) {
    if (const int code = posix_spawnattr_init(&list_)) fail(spec, code);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&list_, &all);
    posix_spawnattr_setsigmask(&list_, &none);
    if (spec.own_group) posix_spawnattr_setpgroup(&list_, 0);
    posix_spawnattr_setflags(&list_, static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                        (spec.own_group ? POSIX_SPAWN_SETPGROUP : 0)));
  }
  attributes(const attributes&) = delete;
  ~attributes() { posix_spawnattr_destroy(&list_); }
  const posix_spawnattr_t* get() const noexcept { return &list_; }

 private:
  posix_spawnattr_t list_;
};

// The child's ends get the numbers 0 to 2 one after the other; so none of them may have one of these before.
owned_fd above_stdio(const process_spec& spec, owned_fd fd) {
  if (fd.get() > STDERR_FILENO) return fd;
  owned_fd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved) fail(spec, errno);
  return moved;
}

// The child's end; `ours` gets the other one of a pipe.
owned_fd child_end(const process_spec& spec, const stdio& to, bool child_reads, owned_fd& ours) {
  owned_fd end;
  switch (to.what()) {
    case stdio::kind::inherit:
    case stdio::kind::output:
      return end;
    case stdio::kind::null:
      end = owned_fd(open("/dev/null", (child_reads ? O_RDONLY : O_WRONLY) | O_CLOEXEC));
      break;
    case stdio::kind::descriptor:
      end = owned_fd(fcntl(to.fd(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
      break;
    case stdio::kind::pipe: {
      int ends[2];
      if (pipe2(ends, O_CLOEXEC) != 0) fail(spec, errno);
      end = owned_fd(ends[child_reads ? 0 : 1]);
      ours = above_stdio(spec, owned_fd(ends[child_reads ? 1 : 0]));
      // Ours only: each end has flags of its own.
      if (fcntl(ours.get(), F_SETFL, fcntl(ours.get(), F_GETFL) | O_NONBLOCK) != 0) fail(spec, errno);
      break;
    }
  }
  if (!end) fail(spec, errno);
  return above_stdio(spec, std::move(end));
}

std::string_view name_of_variable(std::string_view variable) { return variable.substr(0, variable.find('=')); }

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_of(const process_spec& spec) {
  std::vector<std::string> all;
  if (spec.environment)
    all = *spec.environment;
  else
    for (char** e = environ; *e != nullptr; ++e) all.emplace_back(*e);
  for (const std::string& variable : spec.variables) {
    std::erase_if(all, [&](const std::string& old) { return name_of_variable(old) == name_of_variable(variable); });
    all.push_back(variable);
  }
  return all;
}

void check_texts(const process_spec& spec) {
  const auto has_zero = [](const std::string& text) { return text.find('\0') != text.npos; };
  if (spec.program.empty() || has_zero(spec.program) || has_zero(spec.directory.native()) ||
      std::any_of(spec.arguments.begin(), spec.arguments.end(), has_zero))
    fail(spec, EINVAL);
}

// posix_spawn says of a directory that is not there only that something is not.
[[noreturn]] void fail_spawn(const process_spec& spec, int code) {
  struct ::stat about {};
  if (!spec.directory.empty()) {
    const char* const directory = spec.directory.c_str();
    const int why = ::stat(directory, &about) != 0 ? errno
                    : !S_ISDIR(about.st_mode)      ? ENOTDIR
                    : access(directory, X_OK) != 0 ? errno
                                                   : 0;
    if (why != 0) throw error(why, "spawn", spec.program + " in " + spec.directory.native());
  }
  fail(spec, code);
}

}  // namespace

spawned spawn_child(const process_spec& spec) {
  check_texts(spec);
  spawned made;
  std::array<owned_fd, 3> theirs;
  const std::array<const stdio*, 3> to{&spec.input, &spec.output, &spec.errors};
  for (int n = 0; n < 3; ++n) {
    const auto at = static_cast<std::size_t>(n);
    theirs[at] = child_end(spec, *to[at], n == STDIN_FILENO, made.ours[at]);
  }
  actions before_exec(spec);
  for (int n = 0; n < 3; ++n) {
    const auto at = static_cast<std::size_t>(n);
    if (theirs[at]) before_exec.dup(theirs[at].get(), n);
    if (to[at]->what() == stdio::kind::output) before_exec.dup(STDOUT_FILENO, n);
  }
  if (!spec.directory.empty()) before_exec.go_to(spec.directory.c_str());
  before_exec.close_from(STDERR_FILENO + 1);  // what foreign libraries have opened without close-on-exec

  std::vector<std::string> arguments{spec.program};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  std::vector<std::string> environment = environment_of(spec);
  const attributes how(spec);
  if (const int code = posix_spawnp(&made.pid, spec.program.c_str(), before_exec.get(), how.get(),
                                    pointers(arguments).data(), pointers(environment).data()))
    fail_spawn(spec, code);

  made.pidfd = owned_fd(open_pidfd(made.pid));
  if (!made.pidfd) {
    const int code = errno;
    // Ended, and reaped by somebody else: its number may be another's by now.
    if (code == ESRCH) fail(spec, ECHILD);
    kill(made.pid, SIGKILL);
    while (waitpid(made.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    fail(spec, code);
  }
  return made;
}

}  // namespace weir::net::internal
