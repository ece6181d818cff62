// What a message socket has besides its pipes (socket_core.h).
//   req_step        REQ: where it is with send() and recv()
//   piece_of_news   XPUB: one of what is to be told of subscriptions
//   popped          what comes with an item that was taken out
//
// Thread-safety: under the lock of the socket, or one caller's own.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "weir/channels/internal/wait_chain.h"
#include "weir/net/socket/internal/item.h"
#include "weir/net/socket/internal/pipe.h"

namespace weir::net::internal {

// One question after the other.
struct req_step {
  enum class at : std::uint8_t { rest, asked, answered } now = at::rest;
  std::uint32_t number = 0;
  const pipe* asked = nullptr;  // not to be looked into
};

struct piece_of_news {
  std::unique_ptr<item> told;
  std::shared_ptr<pipe> by;
  std::uint64_t connection;  // of `by`
};
using news_list = std::list<piece_of_news>;

// For when the lock is free.
struct popped {
  weir::internal::wait_chain woken;
  item_list garbage;
  news_list heard;
  std::shared_ptr<pipe> released;

  bool empty() const noexcept { return woken.empty() && garbage.empty() && !released; }
};

}  // namespace weir::net::internal
