// What a parked actor waits for, in words: every park carries one, and every dump is readable because of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weir/runtime/base/site.h"

namespace weir::internal {

class parker;

// How far from the channel's address the value lies that its handles keep (channel_ref.h).
inline constexpr int sender_mark = 1, receiver_mark = 2;

// One of the things that a wait waits for, and who could end it as far as the thing itself knows: the edges of the
// graph in which a deadlock report looks for a circle.
struct wait_target {
  enum class kind : std::uint8_t {
    room,    // in a channel: a receiver ends the wait
    value,   // from a channel: a sender
    lock,    // its holder
    exit,    // of an actor
    actors,  // of a scope: the last of them
  };
  kind what;
  const void* thing;  // its address
  std::string label;  // `lookups`
  // The one who could end it: who holds the lock, who is waited for, or who was the last to park on the other side of
  // the channel. To be compared, not followed: it may have ended. Null: not known.
  const parker* by = nullptr;
  std::uint64_t by_id = 0;
  std::size_t handles = 0;  // of a channel: how many there are on the other side
};

// Lives on the waiting stack. Called by a dump while the actor is held parked (wait_word.h, `inspected`), from another
// thread; may take the lock of the thing it describes.
class wait_reason {
 public:
  // One word for the STATE column: "recv", "send", "select", "join", "sleep", ...
  virtual const char* verb() const noexcept = 0;
  // The thing waited for: `channel "jobs" 0/16 empty`. May be empty.
  virtual std::string object() const = 0;
  // Adds what a deadlock report needs to know; nothing, if nobody can be named.
  virtual void add_targets(std::vector<wait_target>&) const {}
  // Of the call that waits, if it is known.
  virtual site where() const noexcept { return {}; }

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
