// link: a monitor is told how each of its actors ended, also as a case of select.
#include <cstdio>
#include <stdexcept>
#include <string>

#include "weir/weir.h"

namespace {

std::string told(weir::monitor& ends) {
  const weir::exit_notice ended = *ends.recv();
  switch (ended.how) {
    case weir::exit_how::failed:
      return "failed: " + weir::failure_text(ended.failure);
    case weir::exit_how::cancelled:
      return "was killed";
    default:
      return "returned";
  }
}

}  // namespace

int main() {
  return weir::run([] {
    weir::monitor ends;
    auto fine = weir::spawn([] { return 0; });
    ends.watch(fine);
    std::printf("one %s\n", told(ends).c_str());

    auto failing = weir::spawn([] { throw std::runtime_error("no such table"); });
    ends.watch(failing);
    std::printf("one %s\n", told(ends).c_str());
    try {
      failing.join();  // a failure that nobody joins goes to runtime_options.on_unhandled
    } catch (const std::runtime_error&) {
    }

    weir::event never;
    auto job = weir::spawn([&] { never.wait(); });
    ends.watch(job);
    job.cancel();
    std::printf("one %s\n", told(ends).c_str());
  });
}
