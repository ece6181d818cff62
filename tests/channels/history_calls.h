// The table of calls that players make: a new operation joins with one row.
//
// A row makes its call and writes down the facts that hold at one moment of it. An operation that takes effect in
// several steps writes down an `operation` per step, all with the same times.
#pragma once

#include <utility>
#include <vector>

#include "tests/channels/history.h"
#include "tests/channels/history_player.h"
#include "weir/channels/channel.h"
#include "weir/channels/select.h"

namespace testing {

// Rows of weight 1 end a channel or a handle; only players that may do so draw them.
template <class T>
const std::vector<call_row<T>>& calls() {
  using p = player<T>;
  using kind = fact::kind;
  static const auto tx = [](p & me, int c) -> auto& { return me.tx[static_cast<std::size_t>(c)]; };
  static const auto rx = [](p & me, int c) -> auto& { return me.rx[static_cast<std::size_t>(c)]; };
  static const auto send = [](p& me, int c, auto how) {
    T v = me.value();
    const int number = number_of(v);
    me.sent(c, number, v, how(v));
  };
  static const auto recv = [](p& me, int c, auto result) {
    me.received(c, result.status(), result ? &*result : nullptr);
  };
  static const std::vector<call_row<T>> table{
      {"send", 8, end_of::sender,
       [](p& me, int c) {
         me.waits_at(end_of::sender, c);
         send(me, c,
              [&](T& v) { return tx(me, c).send(std::move(v)) ? weir::send_status::ok : weir::send_status::closed; });
       }},
      {"send(deadline)", 6, end_of::sender,
       [](p& me, int c) { send(me, c, [&](T& v) { return tx(me, c).send(std::move(v), me.soon()); }); }},
      {"try_send", 8, end_of::sender,
       [](p& me, int c) {
         me.now.waits = false;
         send(me, c, [&](T& v) { return tx(me, c).try_send(std::move(v)); });
       }},
      {"recv", 8, end_of::receiver,
       [](p& me, int c) {
         me.waits_at(end_of::receiver, c);
         me.received(c, rx(me, c).recv());
       }},
      {"for", 2, end_of::receiver,
       [](p& me, int c) {
         me.waits_at(end_of::receiver, c);
         for (T& v : rx(me, c)) return me.received(c, weir::recv_status::ok, &v);
         me.received(c, weir::recv_status::closed, nullptr);
       }},
      {"recv(deadline)", 6, end_of::receiver, [](p& me, int c) { recv(me, c, rx(me, c).recv(me.soon())); }},
      {"try_recv", 8, end_of::receiver,
       [](p& me, int c) {
         me.now.waits = false;
         recv(me, c, rx(me, c).try_recv());
       }},
      {"select", 6, end_of::receiver, [](p& me, int c) { me.any_of(false, false, c); }},
      {"select", 6, end_of::sender, [](p& me, int c) { me.any_of(false, false, c); }},
      {"select/after", 6, end_of::receiver,
       [](p& me, int c) { me.any_of(true, false, c, weir::after(me.soon(), [] {})); }},
      {"select/otherwise", 6, end_of::sender, [](p& me, int c) { me.any_of(true, true, c, weir::otherwise([] {})); }},
      {"select/otherwise", 6, end_of::receiver, [](p& me, int c) { me.any_of(true, true, c, weir::otherwise([] {})); }},
      {"length", 4, end_of::receiver,
       [](p& me, int c) { me.note(kind::length, c, static_cast<int>(rx(me, c).length())); }},
      {"close", 1, end_of::sender, [](p& me, int c) { tx(me, c).close(), me.note(kind::close, c); }},
      {"close", 1, end_of::receiver, [](p& me, int c) { rx(me, c).close(), me.note(kind::close, c); }},
      {"drop", 1, end_of::sender, [](p& me, int c) { tx(me, c).reset(), me.note(kind::drop_sender, c); }},
      {"drop", 1, end_of::receiver, [](p& me, int c) { rx(me, c).reset(), me.note(kind::drop_receiver, c); }},
  };
  return table;
}

}  // namespace testing
