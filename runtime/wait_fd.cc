#include "weir/runtime/wait_fd.h"

#include "weir/runtime/internal/fd_wait.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/outside_wait.h"
#include "weir/runtime/internal/wait_reason.h"

namespace weir {
namespace {

class fd_reason final : public internal::wait_reason {
 public:
  fd_reason(const internal::fd_wait& wait, site where) noexcept : wait_(wait), where_(where) {}
  const char* verb() const noexcept override { return "wait_fd"; }
  std::string object() const override { return wait_.describe(); }
  site where() const noexcept override { return where_; }

 private:
  const internal::fd_wait& wait_;
  const site where_;
};

}  // namespace

bool wait_fd(int fd, fd_event event, deadline limit, site where) {
  using namespace internal;
  fd_wait wait(fd, event);
  int error = 0;
  if (limit.expired()) {
    spend_operation();
    const int seen = wait.look(error);
    if (seen < 0) wait.refuse(error, "wait_fd", where);
    return seen > 0;
  }
  if ((error = wait.arm()) != 0) wait.refuse(error, "wait_fd", where);
  const outside_wait announced;
  const fd_reason why(wait, where);
  const wait_result result = wait.state().await(direction::read, why, limit);
  if (result == wait_result::cancelled) meet_cancel("wait_fd");
  return result == wait_result::ready;
}

}  // namespace weir
