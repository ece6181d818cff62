#include "weir/net/socket/pipeline_bridge.h"

#include <chrono>
#include <new>
#include <string>

#include "weir/channels/select.h"
#include "weir/channels/sync_cases.h"
#include "weir/net/socket/on_socket.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/this_actor.h"

namespace weir::net::internal {
namespace {

constexpr std::string_view end_mark = "weir:end";

}  // namespace

message end_of_stream(std::string_view cause) { return message::of("", end_mark, cause); }
bool is_end_of_stream(const message& m) noexcept { return m.size() == 3 && m[0].empty() && m[1].text() == end_mark; }

// The source.

pull_source::pull_source(socket from, stream_options options, site where)
    : from_(std::move(from)), streams_(options.streams) {
  from_->core("from", where);
  if (streams_ < 0)
    weir::internal::throw_misuse("from", ".streams must not be negative", std::to_string(streams_),
                                 "Say how many pipelines send to this socket; 0: its close is the end.", where);
}

std::optional<message> pull_source::next(weir::internal::stage_meter& m, weir::internal::source_stop& stop) {
  if (recv_result<message> ready = from_->try_recv()) return taken(std::move(*ready));
  std::optional<message> got;
  {
    const weir::internal::meter_wait::span starved(m.starved);
    const auto keep = [&](std::optional<message> come) {
      ended_ = !come;
      got = std::move(come);
    };
    select(on_recv(*from_, keep), on_set(stop.when_asked(), [] {}));
  }
  return got ? taken(std::move(*got)) : std::nullopt;
}

std::optional<message> pull_source::at_hand() {
  recv_result<message> ready = from_->try_recv();
  return ready ? taken(std::move(*ready)) : std::nullopt;
}

// Empty: it is none for the pipeline.
std::optional<message> pull_source::taken(message&& m) {
  if (!is_end_of_stream(m)) return std::move(m);
  if (!m[2].empty())
    throw stream_failed("a pipeline that sends here has not come to its end: " + std::string(m[2].text()));
  ended_ = streams_ == 1;
  if (streams_ > 1) --streams_;
  return std::nullopt;
}

std::size_t pull_source::unread_of_own() { return from_.own() ? from_->statistics().unread : 0; }

void pull_source::close_own() {
  if (pull_socket* const own = from_.own()) own->close();
}

// The end.

push_end::push_end(socket to, site where) : to_(std::move(to)) { to_->core("into", where); }

bool push_end::send(message&& m, weir::internal::stage_meter& meter) {
  if (is_end_of_stream(m))
    throw bad_message(m, "an item must not look like the end of a stream, which is how its peers would take it",
                      "Let serialize<T>::pack begin it in another way.");
  const send_status ready = to_->try_send(std::move(m));
  if (ready != send_status::full) return ready == send_status::ok;
  const weir::internal::meter_wait::span blocked(meter.blocked);
  return to_->send(std::move(m));
}

void push_end::finish() {
  if (to_->core("into", {}).send_each(end_of_stream({}), deadline::never()) == send_status::ok) ended_ = true;
  if (push_socket* const own = to_.own()) {
    own->close(deadline::never());
    this_actor::check_cancel();  // which would have ended that
  }
}

void push_end::fail(const std::exception_ptr& cause) noexcept {
  if (std::exchange(ended_, true)) return;
  // All has ended but this: the limit is the socket's linger.
  shielded([&] {
    try {
      std::string why = weir::internal::text_of(cause);
      if (why.empty()) why = "it failed, and does not say why";  // an empty text is the end of a whole stream
      to_->core("into", {}).send_each(end_of_stream(why), std::chrono::nanoseconds(0));
      if (push_socket* const own = to_.own()) own->close();
    } catch (const std::bad_alloc&) {  // then they are not told
    }
  });
}

}  // namespace weir::net::internal
