#include "weir/net/process/capture.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/process/process.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/sync/wait_group.h"

namespace weir::net {
namespace {

// What a pipe holds, unless somebody has made it bigger.
constexpr std::size_t pipe_size = 65536;

// Until the end, or until `limit`; by then what is there counts, up to `left` bytes.
void read_all(const stream& from, std::string& into, std::size_t most, deadline limit = {},
              std::size_t left = static_cast<std::size_t>(-1)) {
  std::array<char, 16384> part;
  while (left > 0) {
    const io_result got = from.read_some(part, limit);
    if (!got) return;
    if (got.bytes > most - into.size()) throw error(make_error_code(errc::too_long), "capture", from.name());
    into.append(part.data(), got.bytes);
    left -= std::min(left, got.bytes);
  }
}

}  // namespace

captured capture(process_spec spec, const capture_options& options, deadline limit) {
  spec.input = options.input.empty() ? stdio::null() : stdio::pipe();
  spec.output = stdio::pipe();
  if (spec.errors.what() != stdio::kind::output) spec.errors = stdio::pipe();
  captured c;
  process p(std::move(spec), limit);
  const std::array<std::pair<const stream&, std::string&>, 2> outputs{{{p.output(), c.output}, {p.errors(), c.errors}}};
  wait_group reading;
  bool all = true;
  with_scope([&](scope& s) {
    if (p.input())
      s.spawn("input", [&] {
        (void)p.input().write_all(options.input);  // a reset: it does not want more
        p.input().close();
      });
    for (const auto& [from, into] : outputs) {
      if (!from) continue;
      reading.add();
      s.spawn("output", [&, &from = from, &into = into] {
        struct at_end {
          wait_group& of;
          ~at_end() { of.done(); }
        } const tell{reading};
        read_all(from, into, options.most);
      });
    }
    const std::optional<exit_status> ended = p.wait(limit);
    if (!ended) throw error(make_error_code(errc::timeout), "capture", p.name());
    c.status = *ended;
    all = reading.wait(options.linger);
    s.cancel();  // who still reads, or writes what nobody will read; a cancelled read has taken nothing
  });
  // The linger is over: what has come until now counts, even if nobody has read it yet.
  if (!all)
    for (const auto& [from, into] : outputs)
      if (from) read_all(from, into, options.most, -std::chrono::seconds(1), pipe_size);
  return c;
}

}  // namespace weir::net
