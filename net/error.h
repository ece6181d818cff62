// weir::net::error: what the network, a file or a child process refused, with the operation and the thing it was done
// to: "connect tcp://127.0.0.1:1: connection refused (ECONNREFUSED)".
//   error          a std::system_error; which of the usual kinds it is: timeout, closed, reset, refused
//   errc           what the kernel has no code for
//   throw_errno    the error of a system call that has just failed
//
// Thread-safety: a value; copies share their text.
//
// What happens to every long-lived stream sooner or later (its end, a reset, a deadline) is a value there (stream.h),
// so that a bad peer does not unwind an actor. This exception is for what has no other way to be told: a connect, a
// bind, a read that fails for a reason of our own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace weir::net {

enum class errc : std::uint8_t {
  timeout = 1,  // the deadline of the call came first
  closed,       // this side has closed it
  end,          // the peer has ended it where more was needed
  too_long,     // what was to be found or kept did not fit into the bound that the caller gave
};

const std::error_category& category() noexcept;  // "weir.net"
std::error_code make_error_code(errc e) noexcept;

class error : public std::system_error {
 public:
  // `operation`: one word, "connect". `subject`: the endpoint, path or program, as its text() prints it; may be empty.
  error(std::error_code code, std::string operation, std::string subject);
  // `number`: an errno.
  error(int number, std::string operation, std::string subject)
      : error(std::error_code(number, std::system_category()), std::move(operation), std::move(subject)) {}

  // `happened`: in place of the code's own text.
  error(std::error_code code, std::string operation, std::string subject, const std::string& happened);

  // "OPERATION SUBJECT: what happened (ECODE)".
  const char* what() const noexcept override;
  const std::string& operation() const noexcept;
  const std::string& subject() const noexcept;

  // A deadline of ours came first, or the kernel gave up on the peer (ETIMEDOUT).
  bool timeout() const noexcept;
  // This side has closed the thing, before or meanwhile.
  bool closed() const noexcept;
  // The connection is gone without an orderly end: reset, aborted, or its network is.
  bool reset() const noexcept;
  // Nobody listens there.
  bool refused() const noexcept;

 private:
  struct texts;
  std::shared_ptr<const texts> texts_;  // shared, so that a copy cannot throw
};

// These codes mean that a connection is gone: ECONNRESET, EPIPE, ECONNABORTED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH,
// ENETDOWN, ENETRESET, EHOSTDOWN.
bool is_reset(int number) noexcept;

// "connection refused (ECONNREFUSED)".
std::string errno_text(int number);

// Throws error(errno, ...). REQUIRES: nothing has parked since the call that set errno.
[[noreturn]] void throw_errno(const char* operation, std::string subject);

}  // namespace weir::net

template <>
struct std::is_error_code_enum<weir::net::errc> : std::true_type {};
