// ask: a question to an actor, and its answer, or at once the reason why there will be none.
//   struct get { std::string key; weir::reply_to<int> reply; };      a request carries the way back
//   auto age = weir::ask<int>(people, [&](auto reply) { return get{"ann", std::move(reply)}; }, 1s);
//   if (age) use(*age); else complain(age.why());
// The other side: [&](get& g) { std::move(g.reply).send(ages[g.key]); }
//
// Thread-safety: as address.h; from actors and plain threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/channels/actors/address.h"
#include "weir/channels/oneshot.h"
#include "weir/channels/status.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir {

// Where the answer goes. Dropped unused, it tells the one who asked that there will be no answer.
template <class T>
using reply_to = oneshot_sender<T>;

enum class ask_status : std::uint8_t {
  ok,
  unanswered,  // the request was dropped: by its handler, by the mailbox's policy, or because the actor ended
  ended,       // the mailbox has ended or is closed: the request was not sent
  full,        // the mailbox is full and its policy is `fail`: the request was not sent
  timeout,     // the deadline came first; an answer that comes later is destroyed
};

// An answer was asked for by value() and there is none. what() says who did not give it, and why.
class ask_failed : public std::runtime_error {
 public:
  ask_failed(ask_status status, const std::string& why) : std::runtime_error(why), status_(status) {}
  ask_status status() const noexcept { return status_; }

 private:
  ask_status status_;
};

// An answer, or why there is none. Reads like std::optional. REQUIRES for * and ->: it holds an answer.
template <class T>
class [[nodiscard]] ask_result {
 public:
  explicit ask_result(T answer) noexcept : status_(ask_status::ok), answer_(std::move(answer)) {}
  ask_result(ask_status status, std::string why) noexcept : status_(status), why_(std::move(why)) {}

  ask_status status() const noexcept { return status_; }
  explicit operator bool() const noexcept { return answer_.has_value(); }
  T& operator*() & noexcept { return *answer_; }
  T&& operator*() && noexcept { return *std::move(answer_); }
  T* operator->() noexcept { return &*answer_; }
  // The answer, or throws ask_failed.
  T& value() & {
    if (!answer_) throw ask_failed(status_, why_);
    return *answer_;
  }
  T&& value() && { return std::move(value()); }
  // A sentence that names the mailbox and the place of the ask; empty if there is an answer.
  const std::string& why() const noexcept { return why_; }

 private:
  ask_status status_;
  std::optional<T> answer_;
  std::string why_;
};

namespace internal {

std::string ask_failure(ask_status status, const mailbox_base& box, site where);
// An ask has to end: misuse for a deadline that never comes.
void check_ask(const mailbox_base& box, deadline limit, site where);

}  // namespace internal

// Sends make_request(reply_to<T>) to the mailbox and parks until the answer is there, at most until `limit`, which
// holds for both and has to be given: whoever asks in a circle would wait for ever. What ends it early: the answer; the
// end of the request, wherever it is dropped; the end of the actor. A cancel throws weir::cancelled; while unwinding it
// is unanswered. Allocates the oneshot, and what make_request does.
template <class T, class... Messages, class MakeRequest>
ask_result<T> ask(const address<Messages...>& to, MakeRequest&& make_request, deadline limit,
                  site where = site::current()) {
  static_assert(std::is_invocable_v<MakeRequest, reply_to<T>>,
                "weir::ask: make_request takes the weir::reply_to<T> that it puts into the request");
  auto& box = to.core("ask", where);
  internal::check_ask(box, limit, where);
  const auto without = [&](ask_status s) { return ask_result<T>(s, internal::ask_failure(s, box, where)); };
  auto [tx, rx] = oneshot<T>(where);
  switch (to.send(std::invoke(std::forward<MakeRequest>(make_request), std::move(tx)), limit, where)) {
    case send_status::ok:
      break;
    case send_status::closed:
      return without(ask_status::ended);
    case send_status::full:
      return without(ask_status::full);
    case send_status::timeout:
      return without(ask_status::timeout);
  }
  recv_result<T> answer = rx.recv(limit, where);
  if (answer) return ask_result<T>(*std::move(answer));
  return without(answer.status() == recv_status::timeout ? ask_status::timeout : ask_status::unanswered);
}

}  // namespace weir
