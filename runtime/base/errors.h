// What weir throws: misuse, cancelled, actor_cancelled, timed_out, deadlock, interrupted, no_memory.
//
// Outcomes that belong to normal life (closed, full, timeout of one call) are values, not exceptions.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "weir/runtime/base/site.h"

namespace weir {

namespace internal {
class scope_node;
}

// The caller broke a rule. what() says the rule, the value, the place and the remedy. In a destructor or another
// noexcept place the same text is printed and the process aborts.
class misuse : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Thrown by a call that parks, in an actor whose scope was cancelled. Not a std::exception, so that `catch
// (std::exception&)` does not swallow it; whoever catches it by `...` must rethrow. Only the scope it carries absorbs
// it.
class cancelled {
 public:
  explicit cancelled(const internal::scope_node* scope) noexcept : scope_(scope) {}
  // The outermost cancelled scope around the actor; an identity to compare, not to follow.
  const internal::scope_node* scope() const noexcept { return scope_; }

 private:
  const internal::scope_node* scope_;
};

// The result of an actor (or of a scope's body) was asked for, but it was cancelled before it had one.
class actor_cancelled : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A scope's deadline came before all in it had ended (with_timeout, scope_options.deadline), or a limit came before all
// of several actors had (join_all, as_completed).
class timed_out : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown by run: its actors waited, and nothing was left that could ever wake one. what() is the report: several lines,
// each with its end: who waits for what, in which circle, and a hint. By then every actor has been cancelled and has
// ended. If nobody catches it, the report is printed on stderr and the process ends with exit_status (unless the
// program has set a terminate handler of its own after it made its first runtime). runtime/README.md says what is found
// and what is not.
class deadlock : public std::runtime_error {
 public:
  static constexpr int exit_status = 70;  // EX_SOFTWARE of sysexits.h
  using std::runtime_error::runtime_error;
};

// SIGINT or SIGTERM ended main before it had a result (weir::run).
class interrupted : public std::runtime_error {
 public:
  explicit interrupted(int signal) : std::runtime_error("main was ended by a signal"), signal_(signal) {}
  int signal() const noexcept { return signal_; }

 private:
  int signal_;
};

// There is no memory for a stack. Nothing else was harmed.
class no_memory : public std::bad_alloc {
 public:
  explicit no_memory(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

namespace internal {

// Throws misuse with "CALL: RULE; got VALUE (FILE:LINE). REMEDY". `value` may be empty.
[[noreturn]] void throw_misuse(const char* call, const std::string& rule, const std::string& value,
                               const std::string& remedy, site where);
// The same text on stderr, then abort: for destructors and noexcept places.
[[noreturn]] void abort_misuse(const char* call, const std::string& rule, const std::string& value,
                               const std::string& remedy, site where) noexcept;

}  // namespace internal
}  // namespace weir
