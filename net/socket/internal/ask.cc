// REQ: questions that wait for their answers, found by their numbers.
#include <mutex>
#include <string>

#include "weir/net/socket/internal/outgoing.h"
#include "weir/net/socket/internal/socket_core.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/interrupt.h"

namespace weir::net::internal {

using weir::internal::wait_chain;
using weir::internal::wait_node;

// On the stack of who asks; in questions_ as long as it waits.
struct question {
  std::uint32_t number = 0;
  bool answered = false;
  std::shared_ptr<pipe> asked = {};  // only who was asked may answer (RFC 28)
  message answer = {};
  weir::internal::wait_list waits = {};
  question* next = nullptr;
};

std::uint32_t socket_core::next_question_number() {
  if (type != zmtp::socket_type::req) return 0;
  std::lock_guard guard(lock_);
  return next_question_++;
}

bool socket_core::in_step_locked(const pipe& from, std::uint32_t number) const noexcept {
  return step_.now == req_step::at::asked && step_.number == number && step_.asked == &from;
}

bool socket_core::answer_locked(const pipe& from, std::uint32_t number, message& m, wait_chain& woken) noexcept {
  for (question* q = questions_[number % questions_.size()]; q != nullptr; q = q->next)
    if (q->number == number && !q->answered && q->asked.get() == &from) {
      q->answered = true;
      q->answer = std::move(m);
      if (wait_node* const n = q->waits.claim_first()) woken.add(*n);
      return true;
    }
  return false;
}

// What a peer sends to REQ: the answer to a question, or nothing.
void socket_core::arrived_answer(pipe& from, std::unique_ptr<item> i, item_list& into) {
  message& m = i->body;
  const bool numbered = m.size() >= 3 && m[0].size() == 4 && m[1].empty(), bare = m.size() >= 2 && m[0].empty();
  bool good = false, in_step = false;
  if (numbered || bare) {
    const frame text = m.pop_front();
    if (numbered) m.pop_front();
    std::uint32_t number = 0;
    for (const char c : text.text()) number = number << 8 | static_cast<unsigned char>(c);
    wait_chain woken;
    {
      std::lock_guard guard(lock_);
      if (bare) number = step_.number;  // the only one that may have been asked so
      good = numbered && answer_locked(from, number, m, woken);
      if (good) ++counted_.received, ++from.received;
      in_step = !good && numbered == options.correlate && in_step_locked(from, number);
      if (in_step) step_.now = req_step::at::answered;
    }
    woken.wake();
    i->number = number;
    i->weigh();
  }
  if (in_step)
    into.push_back(std::move(i));
  else if (!good)
    count_malformed();
}

bool socket_core::awaited_locked(std::uint32_t number) const noexcept {
  if (step_.now == req_step::at::asked && step_.number == number) return true;
  const question* q = questions_[number % questions_.size()];
  while (q != nullptr && q->number != number) q = q->next;
  return q != nullptr;
}

// Nobody waits for the answer any more. What no connection has taken yet is the caller's again.
void socket_core::forget_question(question& q, message& m) noexcept {
  std::unique_ptr<item> unsent;
  wait_chain woken;
  {
    std::lock_guard guard(lock_);
    question** at = &questions_[q.number % questions_.size()];
    while (*at != &q) at = &(*at)->next;
    *at = q.next;
    if (q.asked && !q.answered) unsent.reset(q.asked->out.extract(q.number));
    if (unsent) {
      if (--counted_.unsent == 0) wake_watchers_locked(woken);
      update_locked(*q.asked);
      while (wait_node* const n = senders_.claim_first()) woken.add(*n);
    }
  }
  woken.wake();
  if (!unsent) return;
  m = std::move(unsent->body);
  m.pop_front();  // the number, and the delimiter
  m.pop_front();
}

void socket_core::end_questions_locked(wait_chain& woken) noexcept {
  for (question* q : questions_)
    for (; q != nullptr; q = q->next)
      if (wait_node* const n = q->waits.claim_first()) woken.add(*n);
}

recv_status socket_core::ask(message& m, message& answer, deadline limit) {
  question q;
  {
    std::lock_guard guard(lock_);
    q.number = next_question_++;
    question*& chain = questions_[q.number % questions_.size()];
    q.next = std::exchange(chain, &q);
  }
  struct guard {
    socket_core& core;
    question& of;
    message& text;
    ~guard() { core.forget_question(of, text); }
  } const forget{*this, q, m};

  {
    outgoing o(type, m, q.number);
    o.asked = &q.asked;
    const send_status status = send_routed(o, limit, {});
    if (status == send_status::timeout) return recv_status::timeout;
    if (status != send_status::ok) return recv_status::closed;
  }

  for (;;) {
    lock_.lock();
    if (q.answered) {
      lock_.unlock();
      answer = std::move(q.answer);
      return recv_status::ok;
    }
    if (over_) {
      lock_.unlock();
      weir::internal::closed_or_cancelled("request");
      return recv_status::closed;
    }
    switch (wait_locked(q.waits, nullptr, "request", limit)) {
      case wait_end::timeout: {
        std::lock_guard late(lock_);  // it may have come since
        if (!q.answered) return recv_status::timeout;
        answer = std::move(q.answer);
        return recv_status::ok;
      }
      case wait_end::cancelled:
        weir::internal::meet_cancel("request");
        return recv_status::closed;
      case wait_end::handed:
      case wait_end::closed:
        break;
    }
  }
}

}  // namespace weir::net::internal
