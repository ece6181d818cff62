// A program that a load starts: a process of its own, which ends with this one.
//
// Thread-safety: none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// Prints why, with errno, and ends the program.
[[noreturn]] void fail(const char* what);

class program {
 public:
  // On `core`, unless that is below 0.
  program(const std::vector<std::string>& command, int core);
  program(const program&) = delete;
  // Kills it.
  ~program();

  // What it prints next, up to the end of the line; `beside` is to live as long. Should one of them end first, so does
  // this program: with its status, or, if that is 0, with 1 and a message that names what is `missing`.
  std::string line(const char* missing, program* beside = nullptr);
  // User and system time of all its threads so far, in nanoseconds, and of the processes that its main thread has
  // started; they are to live on.
  std::int64_t cpu() const;
  // Bytes of resident memory and page tables.
  std::int64_t memory() const;

 private:
  // Takes what it has printed; false: nothing more will come.
  bool take_some();
  [[noreturn]] void ended(const char* missing);

  const std::string name_;
  pid_t pid_;
  int said_by_;
  std::string said_;
};

}  // namespace bench
