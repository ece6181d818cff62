// What a mailbox and its addresses share: the queue, the request to stop, the counts, the names it goes by.
//
// Thread-safety: all of it.
//
// The mailbox and its addresses count one reference each. The mailbox's end closes the queue, and then nobody sends or
// receives: what is left is counts and a closed channel, until the last address goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/channels/channel.h"
#include "weir/channels/status.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/atomic.h"
#include "weir/runtime/internal/event.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir {

// What a message finds that comes to a full mailbox.
enum class overflow : std::uint8_t {
  block,        // its sender waits for room
  drop_newest,  // it is thrown away and counted; its sender is not told
  drop_oldest,  // the message that has waited longest is, and makes room
  fail,         // its sender keeps it and is told: send_status::full
};

// At any moment at which nobody is in a send or a receive: sent = received + dropped + discarded + length.
struct mailbox_counts {
  std::uint64_t sent = 0;       // messages that left their sender's hands
  std::uint64_t received = 0;   // by the owner
  std::uint64_t dropped = 0;    // by the overflow policy
  std::uint64_t discarded = 0;  // unread when the mailbox ended
};

namespace internal {

class mailbox_base;

// A table of names, as a mailbox sees it: to be told of its end (registry.h).
class name_table {
 public:
  virtual void forget(const std::string& name, const mailbox_base& box) noexcept = 0;

 protected:
  ~name_table() = default;
};

class mailbox_base {
 public:
  mailbox_base(const mailbox_base&) = delete;
  mailbox_base& operator=(const mailbox_base&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // From now on it goes by `name`; `table` is told when it ends. False: it has ended.
  bool add_name(std::shared_ptr<name_table> table, const std::string& name);
  void remove_name(const name_table& table, const std::string& name) noexcept;
  // The mailbox ends: tells the tables.
  void forget_names() noexcept;

  const std::string& name() const noexcept { return name_; }
  event& stopped() noexcept { return stopped_; }
  mailbox_counts counts() const noexcept;
  // `mailbox "db"`, or where it was made.
  std::string describe() const;

  void count_sent() noexcept { sent_.fetch_add(1, std::memory_order_relaxed); }
  void count_received() noexcept { received_.fetch_add(1, std::memory_order_relaxed); }
  void count_dropped() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
  void count_discarded() noexcept { discarded_.fetch_add(1, std::memory_order_relaxed); }

 protected:
  mailbox_base(std::string_view name, overflow when_full, site where)
      : when_full_(when_full), name_(name), where_(where) {}
  virtual ~mailbox_base() = default;

  const overflow when_full_;

 private:
  struct registration {
    std::shared_ptr<name_table> table;
    std::string name;
  };

  const std::string name_;
  const site where_;
  event stopped_;
  // Up relaxed: who copies an address holds one. Down acquire-release: the last one sees what the others did.
  atomic<std::size_t> references_{1};
  // Relaxed: they order nothing; whoever wants them exact knows by other means that nobody sends or receives.
  atomic<std::uint64_t> sent_{0}, received_{0}, dropped_{0}, discarded_{0};

  std::mutex names_mutex_;  // for a few instructions; taken inside a table's
  // Guarded by names_mutex_.
  bool ended_ = false;
  std::vector<registration> names_;
};

// Capacities are 1 to 16 777 216. Throws misuse.
long long checked_mailbox_capacity(long long capacity, std::string_view name, site where);
[[noreturn]] void throw_empty_address(const char* call, site where);

template <class Message>
class mailbox_core final : public mailbox_base {
 public:
  mailbox_core(long long capacity, overflow when_full, std::string_view name, site where)
      : mailbox_base(name, when_full, where),
        queue_(channel<Message>(checked_mailbox_capacity(capacity, name, where), name, where)) {}

  // Moves `message` out only if the answer is ok. Parks only if the policy is to block.
  send_status send(Message& message, deadline limit, site where) {
    if (when_full_ == overflow::block) return counted(queue().send(message, limit, where));
    const send_status s = try_send(message, where);
    if (s == send_status::closed) closed_or_cancelled("send");
    return s;
  }
  send_status try_send(Message& message, site) {
    if (when_full_ == overflow::drop_oldest) {
      std::optional<Message> displaced;  // destroyed here, where its destructor may do what it likes
      const send_status s = counted(queue().displace(message, displaced));
      if (displaced) count_dropped();
      return s;
    }
    const send_status s = counted(queue().try_send(message));
    if (s != send_status::full || when_full_ != overflow::drop_newest) return s;
    [[maybe_unused]] const Message dropped = std::move(message);  // destroyed here
    count_dropped();
    return counted(send_status::ok);
  }

  void close() { queue_.tx.close(); }
  // The owner goes: nobody sends any more, and what nobody read is destroyed, oldest first.
  void end() noexcept {
    forget_names();
    queue_.tx.close();
    for (std::optional<Message> left; queue().try_recv(left) == recv_status::ok; left.reset()) count_discarded();
  }

  channel_core<Message>& queue() noexcept { return queue_.tx.core("mailbox", {}); }
  const sender<Message>& tx() const noexcept { return queue_.tx; }

 private:
  send_status counted(send_status s) noexcept {
    if (s == send_status::ok) count_sent();
    return s;
  }

  const channel_ends<Message> queue_;
};

}  // namespace internal
}  // namespace weir
