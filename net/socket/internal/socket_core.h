// weir::net::internal::socket_core: a message socket: its pipes, and who waits for them.
//
// Thread-safety: all of it. lock_ is never held over a park, a wake or an allocation; topics_mutex_ is taken before it,
// and is held for no longer than a look-up.
//
// The program's side puts messages into pipes and takes them out; a connection's actors (connection.h) do the same at
// the other end. Whoever finds nothing to do stands in a list, and is woken to try again: those who wait to send when a
// pipe gets room, one who waits to receive for each message that comes, watchers whenever peers, subscriptions or the
// number of unsent messages change as they may want to know.
//
// Its end, in order: closing_ (no message goes in); once nothing is unsent, ending_ (each connection ends its half, and
// reads on until the peer has too); when none is left, or the linger is over, over_ (all waits end); endpoints end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/channels/channel.h"
#include "weir/channels/internal/source_base.h"
#include "weir/channels/internal/wait_chain.h"
#include "weir/channels/status.h"
#include "weir/net/message.h"
#include "weir/net/socket/internal/item.h"
#include "weir/net/socket/internal/pipe.h"
#include "weir/net/socket/internal/socket_parts.h"
#include "weir/net/socket/internal/topic_table.h"
#include "weir/net/socket/peer_event.h"
#include "weir/net/socket/socket_options.h"
#include "weir/net/socket/socket_statistics.h"
#include "weir/net/zmtp/peer.h"
#include "weir/net/zmtp/socket_type.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::internal {
class runtime_core;
}

namespace weir::net::internal {

[[noreturn]] void throw_moved_socket(const char* call, site where);
void check_frames(const message& m, const char* call, site where);  // misuse if it has none

struct question;  // a request that waits for its answer: ask.cc

class socket_core final : public weir::internal::source_base, public std::enable_shared_from_this<socket_core> {
 public:
  using enrolled = weir::internal::enrolled;
  using wait_node = weir::internal::wait_node;

  socket_core(zmtp::socket_type type, socket_options options, weir::internal::runtime_core& r, site where);
  ~socket_core() override;

  const zmtp::socket_type type;
  const socket_options options;
  weir::internal::runtime_core& runtime;

  // What a program does. See message_socket.h for what wakes and ends them.
  send_status send(message& m, deadline limit, site where);
  send_status try_send(message& m, site where);
  // PUSH: a copy for each of its peers, however full their queues are. Parks until there is one, as send() does.
  send_status send_each(const message& m, deadline limit);
  enrolled enroll_send(const message& m, wait_node& node);
  void withdraw_send(wait_node& node) noexcept { withdraw(senders_, node); }
  recv_status recv(incoming& into, deadline limit, site where = {});
  recv_status try_recv(incoming& into);
  enrolled enroll_recv(wait_node& node);
  void withdraw_recv(wait_node& node) noexcept { withdraw(receivers_, node); }
  bool reply(const std::shared_ptr<pipe>& to, std::uint64_t connection, message&& m);
  recv_status ask(message& m, message& answer, deadline limit);
  void subscribe(std::string_view topic, site where);
  bool cancel(std::string_view topic);
  // XPUB: gives the peer a topic, or takes it. False: it is gone, or had not got it.
  bool give_topic(const std::shared_ptr<pipe>& to, std::uint64_t connection, bool add, std::string_view topic);
  bool wait_peers(std::size_t n, deadline limit);
  bool wait_subscribers(std::size_t n, std::string_view topic, deadline limit);
  close_result close(deadline linger);
  receiver<peer_event> events(std::size_t capacity);
  socket_statistics statistics();
  std::vector<peer_statistics> peers();

  // Endpoints: endpoints.cc.
  std::string bind(std::string_view endpoint, site where);
  void connect(std::string_view endpoint, site where);
  bool remove_endpoint(std::string_view text, bool bound);
  std::string last_endpoint();

  // What a connection does.
  std::shared_ptr<pipe> add_pipe(bool stays, std::string address);
  // Null: it may go on; else why not. `end`: what ends the connection.
  const char* attach(pipe& p, const zmtp::peer_info& peer, hang_up end);
  // The connection is over. What it had taken and not begun to write, `unwritten`, goes back if the pipe stays.
  void detach(pipe& p, item_list&& unwritten, std::string_view reason) noexcept;
  // The same for the waits only, so that the connection's actors end.
  void cut(pipe& p) noexcept;
  // Those that came over inproc to that name of this socket, which it gives up.
  void cut_inproc(std::string_view address) noexcept;
  // The peer takes nothing more, but what it sent is still to be read. In a pipe that does not stay what waits is lost.
  void deafen(pipe& p) noexcept;
  // take() on that pipe returns, so that its caller looks at its clock again.
  void nudge(pipe& p) noexcept;
  // The endpoint is over.
  void drop_pipe(pipe& p);
  enum class taken : std::uint8_t { items, nothing, ending, over };
  // What is to be written next; what was taken before has been written. Parks until there is something; `nothing`: the
  // limit has come, or a nudge; `ending`: there will be no more, but the peer may have something to say.
  taken take(pipe& p, item_list& into, deadline limit);
  // Parks until all of it is in the pipe, which empties the list; false: the pipe is over. `try_`: never parks, and the
  // list may keep some.
  bool deliver(pipe& p, item_list& items);
  bool try_deliver(pipe& p, item_list& items);
  // For so many items there is room; parks until it is one at least. 0: the pipe is over.
  std::size_t wait_for_room(pipe& p);
  // So many of the messages that take() gave have arrived.
  void wrote(pipe& p, std::size_t messages) noexcept;
  // A message that has come, for deliver(), unless it is none that this type may get; answers are dealt with at once.
  void arrived(pipe& p, std::unique_ptr<item> i, item_list& into);
  // Empty, or why the connection has to end.
  std::string arrived_subscription(pipe& p, bool add, std::string_view topic);
  // XPUB: the program has heard of enough of them. Parks until then; false: the pipe is over.
  bool has_heard(pipe& p);
  bool wait_until_heard(pipe& p);
  void send_pong(pipe& p, message&& context);
  // Parks as long as what peers have left behind is too much for a further one (socket_options: receive_high_water).
  void wait_for_the_gone();
  bool is_over(const pipe& p);  // no connection of it will be let in any more
  bool is_ending();             // what comes is thrown away
  // If there is no memory for it, the event is lost, as one that does not fit.
  void tell(peer_event_kind kind, std::string_view address, std::string_view identity, std::string_view reason,
            std::uint64_t count = 0) noexcept;
  void count_failed_handshake(std::string_view address, std::string_view reason) noexcept;
  void count_failed_connect(std::string_view address, std::string_view reason) noexcept;
  void count_crowded_out();
  void count_malformed();

  std::string describe() override;

 private:
  struct outgoing;
  struct endpoint_entry;
  enum class routed : std::uint8_t { ok, full, closed, unreachable, out_of_step };

  bool fans_out() const noexcept;
  bool sent_otherwise(message& m, site where);
  [[noreturn]] static void refuse(routed why, const outgoing& o, site where);
  send_status send_routed(outgoing& o, deadline limit, site where);
  std::uint32_t next_question_number();
  std::string add_endpoint(endpoint_entry e, const char* call);
  const pipe* only_locked() const noexcept;
  bool usable(const pipe& p) const noexcept {
    return p.usable(options) && (type != zmtp::socket_type::pair || only_locked() == &p);
  }
  bool has_room(const pipe& p) const noexcept { return p.has_room(options); }
  void update_locked(pipe& p) noexcept { usable(p) && has_room(p) ? sendable_.push_back(p) : sendable_.remove(p); }
  void drop_locked(pipe& p, std::size_t messages) noexcept;
  void warn_of_drops() noexcept;
  void put_locked(pipe& p, item* i, weir::internal::wait_chain& woken, item_list& garbage) noexcept;
  routed route_locked(outgoing& o, weir::internal::wait_chain& woken);
  void find_targets(std::string_view subject);
  routed fan_out_locked(outgoing& o, weir::internal::wait_chain& woken, bool& kicked) noexcept;
  routed fan_out(outgoing& o, bool keep_lock_if_full);
  routed route(outgoing& o, bool keep_lock_if_full);
  bool fan_out_is_blocked() const noexcept;
  template <class Each>
  void each_target(Each each) const;
  std::unique_ptr<item> pop_locked(incoming& into, popped& more) noexcept;
  item_list::amount room_in(const pipe& p) const noexcept;
  void deliver_locked(pipe& p, item_list& items, weir::internal::wait_chain& woken, item_list& garbage) noexcept;
  void greet_locked(pipe& p, std::unique_ptr<item>& welcome, weir::internal::wait_chain& woken, item_list& garbage);
  std::unique_ptr<item> welcome_for(std::string_view topic) const;
  static void make_news(pipe& p, bool wanted, std::string_view topic, news_list& to);
  void add_news_locked(pipe& p, news_list& news, weir::internal::wait_chain& woken) noexcept;
  std::unique_ptr<item> pop_news_locked(incoming& into, popped& more) noexcept;
  void count_as_read_locked(pipe& p, const item& i, popped& more) noexcept;
  void wake_reader_locked(pipe& p, weir::internal::wait_chain& woken) noexcept;
  bool has_heard_locked(const pipe& p) const noexcept;
  void lose_locked(pipe& p, std::size_t messages) noexcept;
  void kick_locked(pipe& p, weir::internal::wait_chain& woken, const char* why = nullptr) noexcept;
  void close_kicked();
  bool spend_octets_locked(std::size_t octets) noexcept;
  void settle_locked(pipe& p, std::size_t messages, weir::internal::wait_chain& woken) noexcept;
  void wake_connections_locked(weir::internal::wait_chain& woken) noexcept;
  void wake_watchers_locked(weir::internal::wait_chain& woken) noexcept;
  bool subscription_message(const message& m, site where);
  item_list commands_for_peers(item_kind kind, std::string_view topic);
  void tell_peers(item_list&& made) noexcept;
  void shorten_commands() noexcept;
  std::shared_ptr<pipe> release_locked(pipe& p) noexcept;
  void leave_locked(pipe& p) noexcept;
  bool much_is_left_behind_locked(std::size_t share) const noexcept;
  bool answer_locked(const pipe& from, std::uint32_t number, message& m, weir::internal::wait_chain& woken) noexcept;
  void arrived_answer(pipe& from, std::unique_ptr<item> i, item_list& into);
  bool in_step_locked(const pipe& from, std::uint32_t number) const noexcept;
  bool awaited_locked(std::uint32_t number) const noexcept;
  void forget_question(question& q, message& m) noexcept;
  void end_questions_locked(weir::internal::wait_chain& woken) noexcept;
  template <class Look, class Ready>
  bool watch(Look look, Ready ready, deadline limit, const char* verb);

  // Guarded by lock_.
  bool closing_ = false, ending_ = false, over_ = false, events_over_ = false, to_warn_ = false;
  std::size_t left_ = 0;     // once it is over: what was unsent then
  std::size_t in_turn_ = 0;  // octets that were sent since a sender gave way
  pipe_list<&pipe::all> pipes_;
  pipe_list<&pipe::sendable> sendable_;
  pipe_list<&pipe::readable> readable_;
  news_list news_;                 // in the order in which what all peers together want has changed
  item_list::amount left_behind_;  // unread, of pipes that are gone
  weir::internal::wait_list senders_, receivers_, watchers_, acceptors_;
  std::map<std::string, pipe*, std::less<>> identities_;  // ROUTER
  std::uint32_t next_identity_, next_question_;
  std::uint64_t connections_ = 0, marks_ = 0;
  std::array<question*, 64> questions_{};
  req_step step_;
  socket_statistics counted_;
  std::optional<weir::sender<peer_event>> events_tx_;
  std::optional<weir::receiver<peer_event>> events_rx_;

  std::mutex topics_mutex_;
  topic_table<pipe*> subscribers_;  // PUB, XPUB: which pipes get what
  topic_table<pipe*> wishes_;       // XPUB, manual: which pipes want what
  topic_table<int> topics_;         // SUB, XSUB: what this side wants; the int is always 0
  std::vector<pipe*> targets_;      // PUB, XPUB: who is to get a message; good as long as the mutex is held

  std::mutex endpoints_mutex_;
  std::list<endpoint_entry> endpoints_;  // guarded by endpoints_mutex_, as is:
  std::string last_endpoint_;
};

}  // namespace weir::net::internal
