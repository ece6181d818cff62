// What a parked actor waits for, in words: every park carries one, and every dump is readable because of it.
#pragma once

#include <string>

namespace weir::internal {

// Lives on the waiting stack. Called by a dump while the actor is held parked (wait_word.h, `inspected`), from another
// thread; may take the lock of the thing it describes.
class wait_reason {
 public:
  // One word for the STATE column: "recv", "send", "select", "join", "sleep", ...
  virtual const char* verb() const noexcept = 0;
  // The thing waited for: `channel "jobs" 0/16 empty`. May be empty.
  virtual std::string object() const = 0;

 protected:
  ~wait_reason() = default;
};

// For waits that have no object worth a class of its own.
class plain_wait final : public wait_reason {
 public:
  explicit plain_wait(const char* verb, const char* object = "") noexcept : verb_(verb), object_(object) {}
  const char* verb() const noexcept override { return verb_; }
  std::string object() const override { return object_; }

 private:
  const char* verb_;
  const char* object_;
};

}  // namespace weir::internal
