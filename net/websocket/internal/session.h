// A connection at work: the actor that reads, the actor that writes, and what they and the callers share.
//
// Thread-safety: begin_close, break_off, note, how and the public members: all; run: one actor, once.
//
// Protocol: only read() reads the stream, only write() writes to it, and finish() shuts it down when write() has ended.
// Who wants something of write() says so under mutex_ and sets wake_. write() ends by itself when it has written a
// close frame and the peer has had its time to answer, when the stream fails, or when read() has ended. read() ends
// when the stream does, or is closed by break_off(). Silence is missed by read(), a close that is not answered by
// write(), or by finish() once the peer's has come. ended is set when both have ended.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "weir/channels/channel.h"
#include "weir/net/stream.h"
#include "weir/net/websocket/codec.h"
#include "weir/net/websocket/options.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/sync/event.h"

namespace weir::net::websocket::internal {

class session {
 public:
  session(stream over, role side, const options& o, std::string_view read_already, site where);

  void run();

  // The close frame that will go out, unless there is one already. `now`: before what waits to be written.
  void begin_close(close_reason why, bool now);
  // Ends both actors soon, without the peer.
  void break_off();
  // The peer has not answered a close frame, or not ended the stream: breaks off, too.
  void give_up_waiting();
  // Of several the first one is how()'s failure.
  void note(const std::string& failure);
  ending how();

  const options settings;
  const channel_ends<message> in, out;
  event ended;

 private:
  // What write() is to do beside messages.
  struct due {
    std::optional<std::string> pong;
    bool ping = false;
    bool close = false;
    bool stop = false;
  };
  due take_due();
  void close_channels();

  void read();
  bool handle(input got, message& m);
  // Waits for the end of everything after a close frame has come, or has to go out.
  void finish(bool shut_down);
  void write();
  // What write() has last to do: the close frame is out.
  void await_end();
  void quit();

  const stream stream_;
  const role side_;
  std::string left_;      // read_already; read()'s
  decoder in_frames_;     // read()'s
  bool asked_ = false;    // read()'s: a ping is out, and nothing has come since
  encoder out_frames_;    // write()'s
  event wake_, written_;  // written_: write() will write no more

  std::mutex mutex_;  // guards all below; nobody parks while holding it
  due due_;
  std::optional<close_reason> closing_;
  ending ending_;
};

}  // namespace weir::net::websocket::internal
