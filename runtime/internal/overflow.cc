#include "weir/runtime/internal/overflow.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "weir/runtime/internal/actor_core.h"

namespace weir::internal {
namespace {

struct sigaction previous_segv;
struct sigaction previous_bus;

// Text for a signal handler: no allocation, no locale, one write.
class signal_text {
 public:
  signal_text& operator<<(std::string_view s) noexcept {
    for (char c : s)
      if (length_ < buffer_.size()) buffer_[length_++] = c;
    return *this;
  }
  signal_text& operator<<(std::size_t n) noexcept {
    std::array<char, 20> digits;
    std::size_t i = digits.size();
    do digits[--i] = static_cast<char>('0' + n % 10);
    while ((n /= 10) != 0);
    return *this << std::string_view(&digits[i], digits.size() - i);
  }
  void print() noexcept { [[maybe_unused]] const auto n = write(STDERR_FILENO, buffer_.data(), length_); }

 private:
  std::array<char, 600> buffer_;
  std::size_t length_ = 0;
};

void on_fault(int signal, siginfo_t* info, void* machine) {
  const auto* address = static_cast<const char*>(info->si_addr);
  const actor_core* const a = current_actor();
  if (a != nullptr && address >= a->stack()->guard_page() && address < a->stack()->bottom()) report_overflow(*a);
  const struct sigaction& before = signal == SIGSEGV ? previous_segv : previous_bus;
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal, info, machine);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    ::signal(signal, SIG_DFL);  // the faulting instruction runs again and ends the process
  }
}

}  // namespace

void report_overflow(const actor_core& a) noexcept {
  const std::size_t size = a.stack()->usable() >> 10;
  signal_text text;
  text << "weir: stack overflow in actor \"" << a.name() << "\" (#" << a.id() << "): " << size
       << " KiB used up, spawned at " << a.where().base() << ":" << a.where().line
       << ". Raise it: spawn(name, f, {.stack = " << size * 2 << " << 10}), or move large locals to the heap.\n";
  text.print();
  abort();
}

void install_overflow_report() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &previous_segv);
    sigaction(SIGBUS, &action, &previous_bus);
  });
}

overflow_stack::overflow_stack() noexcept {
  stack_t present{};
  if (sigaltstack(nullptr, &present) == 0 && !(present.ss_flags & SS_DISABLE)) return;  // a sanitizer gave one
  constexpr std::size_t size = std::size_t{64} << 10;
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;  // an overflow then dies without a message
  stack_t mine{};
  mine.ss_sp = memory;
  mine.ss_size = size;
  if (sigaltstack(&mine, nullptr) != 0) {
    munmap(memory, size);
    return;
  }
  memory_ = memory;
  size_ = size;
}

overflow_stack::~overflow_stack() {
  if (memory_ == nullptr) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
  munmap(memory_, size_);
}

}  // namespace weir::internal
