// A pipeline that goes on in another process: where one within a process has into(tx) and from(rx), this one has
//   ... | weir::into(push)     sends each item as a message, and at the end an end of stream
//   weir::from<T>(pull) | ...  takes items out of messages, until the ends of all streams have come
//   weir::from(pull) | ...     the messages as they are
//
// Thread-safety: message_socket.h.
//
// How an item becomes a message is serialize.h. One that cannot be read back fails in a stage of its own, "unpack",
// which from<T>(pull) brings: weir::from<T>(pull) | weir::on_error(weir::dead_letter(bad)) speaks of it. One that
// cannot be packed, or not sent within .timeout, fails in into.
//
// A socket given as an lvalue is the program's, which keeps it for at least as long as the pipeline runs; one that is
// moved in is the pipeline's, which closes it at its end.
//
// Back-pressure: what is not taken waits in the queues of the sockets (socket_options: high water) and in the kernel;
// then into(push) waits, and so do the stages before it. PUSH deals its items to its peers in turn, so it is only with
// one PULL that they come in order. What a peer had that goes is lost.
//
// On the wire the end of a stream is a message of three frames: an empty one, "weir:end", and why it ended before its
// time, or an empty one. Every peer that the PUSH has then gets it.
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "weir/channels/pipeline/pipeline.h"
#include "weir/channels/pipeline/source_stop.h"
#include "weir/channels/pipeline/stage_meter.h"
#include "weir/net/message.h"
#include "weir/net/socket/push_pull.h"
#include "weir/net/socket/serialize.h"
#include "weir/runtime/base/site.h"

namespace weir {
namespace net {

struct stream_options {
  // How many ends of stream make the end of from(pull): one for each pipeline that sends to this socket. 0: it goes on
  // until the socket is closed.
  int streams = 1;
};

// from(pull): a pipeline that sends here has ended before its time; what() says why.
class stream_failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace internal {

// The message that ends a stream. `cause`: empty if all went well.
message end_of_stream(std::string_view cause);
bool is_end_of_stream(const message& m) noexcept;

// A socket of the program's, or of the pipeline's own.
template <class Socket>
class lent_or_own {
 public:
  explicit lent_or_own(const Socket& lent) noexcept : lent_(&lent) {}
  explicit lent_or_own(Socket&& own) noexcept : own_(std::move(own)) {}
  const Socket& operator*() const noexcept { return own_ ? *own_ : *lent_; }
  const Socket* operator->() const noexcept { return &**this; }
  // Null: it is the program's.
  Socket* own() noexcept { return own_ ? &*own_ : nullptr; }

 private:
  std::optional<Socket> own_;
  const Socket* lent_ = nullptr;
};

class pull_source {
 public:
  using value_type = message;
  using socket = lent_or_own<pull_socket>;

  // Throws misuse: it was moved from, or options are out of range.
  pull_source(socket from, stream_options options, site where);
  std::optional<std::size_t> size() const { return {}; }
  template <class Push>
  void run(const Push& push, weir::internal::stage_meter& m, weir::internal::source_stop& stop) {
    bool wanted = true;
    while (wanted && !ended_ && !stop.asked())
      if (std::optional<message> item = next(m, stop)) wanted = push(std::move(*item));
    // In a drain: what has come to a socket that goes now, nobody else would read.
    for (std::size_t left = wanted ? unread_of_own() : 0; left > 0 && wanted && !ended_; --left)
      if (std::optional<message> item = at_hand()) wanted = push(std::move(*item));
    close_own();
  }

 private:
  std::optional<message> next(weir::internal::stage_meter& m, weir::internal::source_stop& stop);
  std::optional<message> at_hand();
  std::optional<message> taken(message&& m);
  std::size_t unread_of_own();
  void close_own();

  socket from_;
  int streams_;         // whose ends have not come yet; 0: they are not counted
  bool ended_ = false;  // there are no more
};

class push_end {
 public:
  using socket = lent_or_own<push_socket>;

  // Throws misuse: it was moved from.
  push_end(socket to, site where);
  // False: the socket is closed.
  bool send(message&& m, weir::internal::stage_meter& meter);
  // All items have been sent.
  void finish();
  // They have not. Nothing if finish() has been called.
  void fail(const std::exception_ptr& cause) noexcept;

 private:
  socket to_;
  bool ended_ = false;
};

struct into_push_stage {
  static constexpr const char* kind = "into";
  static constexpr bool is_sink = true, alone = false, calls = true;
  template <class T>
  static constexpr void check() {
    static_assert(packs<T>,
                  "weir::into: there is no weir::net::serialize<T> for what the stage before it gives: write "
                  "one, with message pack(const T&) and T unpack(const message&)");
  }

  template <class T>
  struct state {
    push_end to;
    // False once the socket is closed: then nobody needs the stages before it.
    template <class Call>
    bool process(T& item, Call& call) {
      bool open = true;
      const auto give = [&]<class U>(U && u) -> void requires packs<T, U> {
        open = to.send(serialize<T>::pack(std::forward<U>(u)), call.meter());
      };
      (void)call(give, item);
      return open;
    }
    void finish() { to.finish(); }
    void fail(const std::exception_ptr& cause) noexcept { to.fail(cause); }
    void take() noexcept {}
  };
  template <class T>
  state<T> begin() {
    return {std::move(to)};
  }

  push_end to;
};

inline auto start_from(pull_source::socket from, stream_options options, site where) {
  return weir::internal::start_pipeline(pull_source(std::move(from), options, where));
}
template <class T>
auto start_from(pull_source::socket from, stream_options options, stage_options unpack, site where) {
  static_assert(unpacks<T>,
                "weir::from: there is no weir::net::serialize<T>: write one, with message pack(const T&) and "
                "T unpack(const message&)");
  if (unpack.name.empty()) unpack.name = "unpack";
  return start_from(std::move(from), options, where) |
         weir::map([](const message& m) { return serialize<T>::unpack(m); }, std::move(unpack));
}

}  // namespace internal
}  // namespace net

// Ends, and closes a socket of its own, when all streams have ended; when the socket is closed, and what had come
// before is read; in a drain, with what has come to a socket of its own. Fails with stream_failed if one of the
// pipelines that send here has failed, or was cancelled. It does not hear of one whose process went without a word:
// another may take its place. Messages that come between two runs on a socket of the program's wait there for the next
// one. `unpack`: of the stage that unpacks. Throws misuse.
template <class T>
auto from(const net::pull_socket& in, net::stream_options options = {}, stage_options unpack = {},
          site where = site::current()) {
  return net::internal::start_from<T>(net::internal::pull_source::socket(in), options, std::move(unpack), where);
}
template <class T>
auto from(net::pull_socket&& in, net::stream_options options = {}, stage_options unpack = {},
          site where = site::current()) {
  return net::internal::start_from<T>(net::internal::pull_source::socket(std::move(in)), options, std::move(unpack),
                                      where);
}
inline auto from(const net::pull_socket& in, net::stream_options options = {}, site where = site::current()) {
  return net::internal::start_from(net::internal::pull_source::socket(in), options, where);
}
inline auto from(net::pull_socket& in, net::stream_options options = {}, site where = site::current()) {
  return from(std::as_const(in), options, where);  // for overload resolution: a socket is a range, too
}
inline auto from(net::pull_socket&& in, net::stream_options options = {}, site where = site::current()) {
  return net::internal::start_from(net::internal::pull_source::socket(std::move(in)), options, where);
}

// Waits for a peer before the first item, and before the end of a stream of none; a cancel ends all its waits, .timeout
// one of an item. At the end of all items a socket of its own is closed, which waits until the peers have read
// everything, without a limit; one of the program's is left with what its queues hold. When the pipeline fails or is
// cancelled, the peers are told why behind what has been sent; a socket of its own takes at most its linger for that. A
// socket that is closed by others ends the pipeline at its next item, as one of which no more is wanted. Throws misuse.
inline auto into(const net::push_socket& to, stage_options options = {}, site where = site::current()) {
  return internal::entry(net::internal::into_push_stage{{net::internal::push_end::socket(to), where}},
                         std::move(options));
}
inline auto into(net::push_socket& to, stage_options options = {}, site where = site::current()) {
  return into(std::as_const(to), std::move(options), where);  // for overload resolution: into(f) takes anything
}
inline auto into(net::push_socket&& to, stage_options options = {}, site where = site::current()) {
  return internal::entry(net::internal::into_push_stage{{net::internal::push_end::socket(std::move(to)), where}},
                         std::move(options));
}

}  // namespace weir
