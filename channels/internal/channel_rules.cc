// What may be asked of a channel, and what is said to who asks for something else.
#include <fmt/core.h>

#include "weir/channels/internal/channel_base.h"
#include "weir/runtime/base/errors.h"

namespace weir::internal {
namespace {

constexpr long long most_capacity = 1 << 24;

}  // namespace

std::size_t checked_capacity(const char* call, long long capacity, std::string_view name, site where) {
  if (capacity < 0 || capacity > most_capacity)
    throw_misuse(call, fmt::format("capacity must be 0..{}", most_capacity),
                 fmt::format("{} for channel \"{}\"", capacity, name),
                 "0 hands over without a buffer; some tens are enough to keep both sides busy.", where);
  return static_cast<std::size_t>(capacity);
}

void throw_empty_end(const char* call, site where) {
  throw_misuse(call, "the handle must refer to a channel", "one that was moved from or reset",
               "Use the handle it was moved to, or copy it before.", where);
}

std::size_t checked_resize(std::size_t now, long long capacity, site where) {
  if (now == 0 || now == no_bound)
    throw_misuse("resize", "the channel must have a buffer with a bound",
                 now == 0 ? "a rendezvous" : "an unbounded one",
                 "What a channel is, it stays: make it with weir::channel<T>(n), n > 0.", where);
  if (capacity < 1 || capacity > most_capacity)
    throw_misuse("resize", fmt::format("capacity must be 1..{}", most_capacity), fmt::format("{}", capacity),
                 "To let nothing more in, close the channel.", where);
  return static_cast<std::size_t>(capacity);
}

void check_weight(std::size_t capacity, bool has_function, std::size_t most, site where) {
  if (!has_function && most == 0) return;
  if (has_function && most > 0 && capacity > 0) return;
  throw_misuse(
      "channel", "a bound by weight needs .weight, .max_weight > 0 and .capacity > 0",
      fmt::format(".weight {}, .max_weight {}, .capacity {}", has_function ? "given" : "missing", most, capacity),
      "Give all three; .capacity is the most values that are buffered however light they are.", where);
}

void throw_no_slots(const char* call, bool weighed, site where) {
  throw_misuse(call, "the channel must have slots to reserve", weighed ? "one that is bound by weight" : "a rendezvous",
               weighed ? "Send the value when you have it; a slot of unknown weight cannot be promised."
                       : "Make the channel with a capacity of 1 or more.",
               where);
}

void throw_none_wanted(const char* call, site where) {
  throw_misuse(call, "the most values to take must be 1 or more", "0", "Leave the call out where nothing is wanted.",
               where);
}

}  // namespace weir::internal
