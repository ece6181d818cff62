// A message on its way into the queues: it is the caller's again unless it was sent.
//
// Thread-safety: one caller's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "weir/net/message.h"
#include "weir/net/socket/internal/item.h"
#include "weir/net/socket/internal/socket_core.h"

namespace weir::net::internal {

struct socket_core::outgoing {
  using socket_type = zmtp::socket_type;

  // As its type sends it: `n` is of a question, and `told` to the peer.
  outgoing(socket_type type, message& from, std::uint32_t n = 0, bool told = true)
      : number(n), from_(from), made_(std::make_unique<item>()) {
    if (type == socket_type::req && told) {
      std::string text;
      for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(n >> shift & 255);
      from.prepend(message::of(text, ""));
      envelope_ = 2;
    } else if (type == socket_type::req) {
      from.push_front(frame(""));
      envelope_ = 1;
    } else if (type == socket_type::router) {
      to = from.pop_front();
      named = true;
    }
    made_->number = n;
    made_->weight = sizeof(item) + from.footprint();
    made_->body = std::move(from);
  }
  outgoing(const outgoing&) = delete;
  ~outgoing() {
    if (sent) return;
    if (shared) made_->body = std::move(*shared);
    from_ = std::move(made_->body);
    for (; envelope_ > 0; --envelope_) from_.pop_front();
    if (named) from_.push_front(std::move(to));
  }

  item* release() noexcept {
    sent = true;
    return made_.release();
  }
  std::size_t weight() const noexcept { return made_->weight; }  // REQUIRES: it is not sent
  const message& content() const noexcept { return shared ? *shared : made_->body; }
  // For fan-out: next() will give so many items, which share the message if there is more than one.
  void prepare(std::size_t items) {
    if (items < 2 && !shared) return;
    if (!shared) shared = std::make_shared<message>(std::move(made_->body));
    while (spare.size() < items) {
      auto i = std::make_unique<item>();
      i->shared = shared;
      i->weight = made_->weight;
      spare.push_back(i.release());
    }
  }

  // Null: there is none left.
  item* next() noexcept {
    if (!shared) return made_.release();
    return spare.empty() ? nullptr : spare.pop_front();
  }

  frame to;
  bool named = false, sent = false;
  std::uint32_t number;                    // REQ
  bool in_step = false;                    // REQ: recv() is to get the answer
  std::shared_ptr<pipe>* asked = nullptr;  // REQ: to be told who has got it
  std::shared_ptr<message> shared;
  item_list spare;    // of shared
  item_list garbage;  // what goes when the lock is free

 private:
  message& from_;
  int envelope_ = 0;  // so many frames are not the caller's
  std::unique_ptr<item> made_;
};

}  // namespace weir::net::internal
