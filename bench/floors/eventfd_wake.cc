// eventfd_wake: a thread that sleeps in epoll on an eventfd is woken from another core. N: wakes; half a round trip
// each.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "bench/floors/two_cores.h"
#include "bench/harness/workload.h"

namespace {

class bell {
 public:
  bell() : event_(eventfd(0, EFD_NONBLOCK)), set_(epoll_create1(0)) {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    if (event_ < 0 || set_ < 0 || epoll_ctl(set_, EPOLL_CTL_ADD, event_, &wanted) != 0)
      throw std::system_error(errno, std::generic_category(), "eventfd_wake");
  }
  bell(const bell&) = delete;
  ~bell() { close(set_), close(event_); }

  void ring() const { eventfd_write(event_, 1); }
  // How often it was rung since it was last heard.
  std::int64_t hear() const {
    epoll_event got{};
    while (epoll_wait(set_, &got, 1, -1) != 1) {
    }
    eventfd_t count = 0;
    eventfd_read(event_, &count);
    return static_cast<std::int64_t>(count);
  }

 private:
  int event_, set_;
};

void run(const bench::request& r) {
  bench::stay_on_core(0);
  bell there, back;
  std::int64_t heard = 0;
  bench::report_each(r, bench::timed(r.n, [&](std::int64_t n) {
                       heard = 0;
                       std::thread other([&] {
                         bench::stay_on_core(1);
                         for (std::int64_t i = 0; i < n / 2; ++i) there.hear(), back.ring();
                       });
                       for (std::int64_t i = 0; i < n / 2; ++i) there.ring(), heard += back.hear();
                       other.join();
                     }));
  bench::require_sum(r, "wakes", heard, r.n / 2);
}

const bench::workload registered("eventfd_wake", run);

}  // namespace
