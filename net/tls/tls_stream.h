// TLS over any stream.
//   start_tls(stream, client, host)   the client's side: verifies the server's certificate and its name
//   start_tls(stream, server)         the server's side
//   tls_stream                        a stream (stream.h) that knows what was agreed on
//
// Thread-safety: as stream.h says: one actor reads while another writes, and anybody closes.
//
// A TLS stream owns the stream below it, which nobody else may read or write from then on (misuse). Whoever has another
// handle to that one may close it: then the TLS connection is torn, and the peer learns so.
//
// What differs from other streams:
//  - `end` means that the peer has said so (close_notify). A connection that ends without is `reset` with ECONNRESET,
//    as what is missing may have been cut off by somebody else. A peer that breaks TLS, or has sent an alert, is
//    `reset` with EPROTO. why() and stream::expect say which, in words.
//  - shutdown() sends close_notify, and waits until it is on its way. Reading goes on, and the stream below stays open.
//    close() sends it only if that needs no wait.
//  - What a peer sends after a close(), be it a ticket only, makes TCP answer with a reset, which may overtake what was
//    written. close() takes what has arrived by then (up to 64 KiB); to be sure that all arrives, shutdown(), read to
//    the end, and close then.
//  - A write that ended early, be it by a deadline or a cancel, may have left a part of its last record (of at most 64
//    KiB in all) here. What its bytes say counts it as gone; the next write or shutdown sends it first. A read, a
//    select or close sends as much of it as goes without a wait when it begins, and does not go on while it waits.
//  - write_some waits until all of the record that it has made is on its way, and not for the first room only. So it
//  may
//    wait after on_writable has said that there is room.
//  - A message of TLS itself (a ticket, new keys) may come in pieces. A write or shutdown that finds one half read
//  waits
//    until a reader has met the rest; with nobody reading, until its deadline, a cancel or close.
//  - A select may take what a stream below has to say, and look for more.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weir/net/stream.h"
#include "weir/net/tls/tls_agreement.h"
#include "weir/net/tls/tls_certificate.h"
#include "weir/net/tls/tls_client.h"
#include "weir/net/tls/tls_server.h"
#include "weir/runtime/base/deadline.h"
#include "weir/runtime/base/site.h"

namespace weir::net {
namespace internal {
class tls_core;
}

class tls_stream : public stream {
 public:
  tls_stream() = default;  // refers to none
  explicit tls_stream(internal::tls_core* adopted) noexcept;

  const tls_agreement& agreed(site where = site::current()) const;
  // The peer's certificate; empty: it has sent none. Verified, unless tls_client_options say otherwise.
  std::optional<tls_certificate> peer(site where = site::current()) const;
  // Why the stream is `reset`, in words; empty if TLS has nothing to say about it.
  std::string why(site where = site::current()) const;
};

// Begins TLS on `over`, as a client. What `over` has read and not given out (read_until) counts as what comes first.
// `host`: whose certificate it must be, a name or an address; a name is told to the server (SNI), and looked for among
// the certificate's alternative names only, never in its subject. Parks until both sides have agreed: the peer's bytes
// wake it, and room for its own. Throws net::error with the operation "handshake": tls_error, timeout (`limit`, or
// tls_client_options::handshake_limit), closed (somebody has closed `over`), reset; and misuse (no host though it is to
// be verified; one with a leading dot or a NUL; `over` in use). A cancel throws weir::cancelled. Whatever it throws,
// `over` is given up. Allocates.
tls_stream start_tls(stream over, const tls_client& with, std::string_view host, deadline limit = {},
                     site where = site::current());
// The same as a server.
tls_stream start_tls(stream over, const tls_server& with, deadline limit = {}, site where = site::current());

}  // namespace weir::net
