#include "weir/net/process/process.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <exception>
#include <mutex>

#include "weir/net/error.h"
#include "weir/net/files/internal/file_call.h"
#include "weir/net/pipe.h"
#include "weir/net/process/internal/pidfd.h"
#include "weir/net/process/internal/spawn.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/wait_fd.h"

namespace weir::net {

class process::state {
 public:
  state(process_spec spec, internal::spawned made)
      : spec_(std::move(spec)), pid_(made.pid), end_(std::move(made.pidfd)) {
    static constexpr const char* names[] = {"input", "output", "errors"};
    try {
      for (std::size_t n = 0; n < 3; ++n) {
        std::string name_of_stream = fmt::format("{} of {}", names[n], name());
        if (made.ours[n]) streams_[n] = adopt(made.ours[n].release(), std::move(name_of_stream));
      }
    } catch (...) {
      end_now();
      throw;
    }
  }
  ~state() {
    try {
      if (!poll()) shielded([this] { terminate({}); });
    } catch (const std::exception&) {
      end_now();  // it cannot be waited for, and nobody is left to be told
    }
  }

  std::string name() const { return fmt::format("{} (#{})", spec_.program, pid_); }

  std::optional<exit_status> poll();
  std::optional<exit_status> wait(deadline limit, site where) {
    for (;;) {
      if (auto ended = poll()) return ended;
      if (!wait_fd(end_.get(), fd_event::readable, limit, where)) return poll();
    }
  }
  bool kill(int signal);
  exit_status terminate(site where);
  void end_now() noexcept;

  const process_spec spec_;
  const pid_t pid_;
  const internal::owned_fd end_;  // of the process
  std::array<stream, 3> streams_;

 private:
  void kill_group() noexcept;

  std::mutex mutex_;                  // never held over a park
  std::optional<exit_status> ended_;  // guarded by mutex_; set: it was reaped, and pid_ may be another's
};

std::optional<exit_status> process::state::poll() {
  std::lock_guard guard(mutex_);
  if (ended_) return ended_;
  siginfo_t how{};
  // Once to look, so that the group can be killed as long as the zombie keeps its number from others.
  int result;
  do result = waitid(P_PIDFD, static_cast<id_t>(end_.get()), &how, WEXITED | WNOHANG | WNOWAIT);
  while (result != 0 && errno == EINTR);
  if (result != 0) throw_errno("wait", name());
  if (how.si_pid == 0) return std::nullopt;
  if (spec_.own_group) kill_group();
  do result = waitid(P_PIDFD, static_cast<id_t>(end_.get()), &how, WEXITED | WNOHANG);
  while (result != 0 && errno == EINTR);
  exit_status& e = ended_.emplace();
  if (how.si_code == CLD_EXITED) {
    e.code = how.si_status;
  } else {
    e.signal = how.si_status;
    e.core_dumped = how.si_code == CLD_DUMPED;
  }
  return ended_;
}

// What the child has left behind.
void process::state::kill_group() noexcept { ::kill(-pid_, SIGKILL); }

bool process::state::kill(int signal) {
  std::lock_guard guard(mutex_);
  if (ended_) return false;
  const int result = spec_.own_group ? ::kill(-pid_, signal) : internal::signal_pidfd(end_.get(), signal);
  if (result == 0) return true;
  if (errno == ESRCH) return false;
  throw_errno("kill", name());
}

exit_status process::state::terminate(site where) {
  if (auto ended = poll()) return *ended;
  kill(SIGTERM);
  // One that is stopped hears of it only when it goes on.
  kill(SIGCONT);
  if (auto ended = wait(spec_.grace, where)) return *ended;
  kill(SIGKILL);
  // The kernel ends it, and soon: there is no use in leaving a zombie for a cancel's sake.
  return shielded([&] { return *wait({}, where); });
}

// For a child that nobody is to see. Blocks, but not for long. One that may not be killed (EPERM), or that somebody
// else has reaped (ESRCH), is left alone.
void process::state::end_now() noexcept {
  std::lock_guard guard(mutex_);
  if (ended_ || internal::signal_pidfd(end_.get(), SIGKILL) != 0) return;
  if (spec_.own_group) kill_group();
  siginfo_t how{};
  while (waitid(P_PIDFD, static_cast<id_t>(end_.get()), &how, WEXITED) != 0 && errno == EINTR) {
  }
  ended_.emplace();
}

process::process(process_spec spec, deadline limit, site) {
  state_ = internal::file_call("spawn", spec.program, limit, [&](const internal::call_limit&) {
    internal::spawned made = internal::spawn_child(spec);
    return std::make_unique<state>(std::move(spec), std::move(made));
  });
}
process::process(process&&) noexcept = default;
process& process::operator=(process&&) noexcept = default;
process::~process() = default;

pid_t process::id() const noexcept { return state_->pid_; }
std::string process::name() const { return state_->name(); }
stream& process::input() noexcept { return state_->streams_[0]; }
stream& process::output() noexcept { return state_->streams_[1]; }
stream& process::errors() noexcept { return state_->streams_[2]; }
std::optional<exit_status> process::wait(deadline limit, site where) { return state_->wait(limit, where); }
std::optional<exit_status> process::poll() { return state_->poll(); }
bool process::kill(int signal) { return state_->kill(signal); }
exit_status process::terminate(site where) { return state_->terminate(where); }
int process::native_handle() const noexcept { return state_->end_.get(); }

}  // namespace weir::net
