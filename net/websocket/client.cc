#include "weir/net/websocket/client.h"

#include <fmt/core.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/http/reader.h"
#include "weir/net/http/response.h"
#include "weir/net/http/status.h"
#include "weir/net/http/writer.h"
#include "weir/net/websocket/handshake.h"
#include "weir/net/websocket/message.h"

namespace weir::net::websocket {
namespace {

constexpr int most_interim = 16;  // as http::client takes

[[noreturn]] void refuse(const stream& from, const std::string& why) {
  throw error(std::error_code(EPROTO, std::system_category()), "websocket", from.name(), why);
}

// The final answer, up to its body; interim ones may come before it.
http::response read_answer(const stream& from, http::response_reader& in, deadline limit, site where) {
  for (int interim = 0;;) {
    switch (in.next()) {
      case http::input::more: {
        const io_result r = from.read_some(in.room(), limit, where);
        in.filled(r.bytes);
        from.expect("websocket", r, where);
        break;
      }
      case http::input::head:
        if (!is_informational(in.head().status)) return in.take_head();
        if (in.head().status != http::status::switching_protocols && ++interim > most_interim)
          refuse(from, fmt::format("more than {} interim answers", most_interim));
        break;
      case http::input::body:
        break;
      case http::input::end:
        if (in.head().status == http::status::switching_protocols) return in.take_head();
        break;
      case http::input::failed:
        refuse(from, in.failure().text());
    }
  }
}

}  // namespace

connected connect(stream over, std::string_view host, std::string_view target, const connect_options& o, deadline limit,
                  site where) {
  const std::string key = make_key();
  std::string text;
  http::write_head(text, make_request(host, target, key, o.protocols, o.headers, where), http::body_plan::none(),
                   where);
  over.expect("websocket", over.write_all(text, limit, where), where);
  http::response_reader in;
  const http::response answer = read_answer(over, in, limit, where);
  if (const std::string wrong = disagreement(answer, key, o.protocols); !wrong.empty()) refuse(over, wrong);
  std::string protocol(answer.headers.get("Sec-WebSocket-Protocol").value_or(""));
  return {connection(std::move(over), role::client, o.connection, in.take_unread(), where), std::move(protocol)};
}

}  // namespace weir::net::websocket
