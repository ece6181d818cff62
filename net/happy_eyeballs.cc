// tcp_connect to the first of several addresses that answers.
//
// Origin: Happy Eyeballs, RFC 8305, sections 4 (order) and 5 (attempts).
#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "weir/channels/channel.h"
#include "weir/net/error.h"
#include "weir/net/tcp.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/this_actor.h"

namespace weir::net {
namespace {

// How one attempt ended: a stream, or why there is none.
struct attempt {
  tcp_stream made;
  std::exception_ptr failure;
};

attempt try_one(const address& to, deadline limit, const tcp_connect_options& options) {
  attempt a;
  try {
    a.made = tcp_connect(to, limit, options);
  } catch (const error&) {
    a.failure = std::current_exception();
  }
  return a;
}

// The families in turns, each in the order given, the first address's family first.
std::vector<address> in_turns(std::span<const address> to) {
  std::vector<address> order, others;
  for (const address& a : to) (a.family() == to.front().family() ? order : others).push_back(a);
  std::size_t at = 1;
  for (const address& a : others) {
    order.insert(order.begin() + static_cast<std::ptrdiff_t>(std::min(at, order.size())), a);
    at += 2;
  }
  return order;
}

tcp_stream one_after_the_other(const std::vector<address>& order, deadline limit, const tcp_connect_options& options) {
  std::exception_ptr first;
  for (const address& at : order) {
    attempt a = try_one(at, limit, options);
    if (a.made) return std::move(a.made);
    if (!first) first = a.failure;
  }
  std::rethrow_exception(first);
}

}  // namespace

tcp_stream tcp_connect(std::span<const address> to, deadline limit, const tcp_connect_options& options, site where) {
  if (to.empty())
    weir::internal::throw_misuse("tcp_connect", "there is at least one address", "none",
                                 "Look whether the name was resolved before.", where);
  if (to.size() == 1) return tcp_connect(to.front(), limit, options);
  const std::vector<address> order = in_turns(to);
  if (this_actor::id() == 0) return one_after_the_other(order, limit, options);

  tcp_stream winner;
  std::exception_ptr first;
  with_scope([&](scope& s) {
    auto [tx, rx] = channel<attempt>(order.size());  // so that no attempt waits to say how it ended
    std::size_t begun = 0, failed = 0;
    while (failed < order.size()) {
      if (begun < order.size()) {
        const address& at = order[begun++];
        s.spawn("connect", [&at, &options, limit, tx = tx] { tx.send(try_one(at, limit, options)); });
      }
      auto ended = rx.recv(begun < order.size() ? deadline(options.stagger) : deadline::never());
      if (!ended) continue;  // the stagger is over: the next one beside it
      if (ended->made) {
        winner = std::move(ended->made);
        s.cancel();
        return;
      }
      if (!first) first = ended->failure;
      ++failed;
    }
  });
  if (!winner) std::rethrow_exception(first);
  return winner;
}

}  // namespace weir::net
