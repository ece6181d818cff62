#include "weir/runtime/internal/report.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <string_view>
#include <vector>

#include "weir/runtime/internal/inspection.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::internal {
namespace {

struct row {
  std::uint64_t id;
  std::string name, state, object, duration, stack, where;
};

row describe(actor_core& a) {
  row r{a.id(), std::string(a.name()), {}, {}, {}, {}, fmt::format("{}:{}", a.where().base(), a.where().line)};
  r.stack = fmt::format("{}K/{}K", a.stack()->high_water() >> 10, a.stack()->usable() >> 10);
  r.state = a.runtime().is_running(a) ? "run" : "ready";
  const inspection held(a);
  if (const wait_reason* const why = held.reason()) {
    r.state = why->verb();
    r.object = why->object();
    r.duration = short_duration(now() - a.since());
  }
  return r;
}

// Each actor is described under the locks of all nodes above it, which keep it from ending. False: not enough memory.
bool collect(scope_node& root, std::vector<row>& rows) noexcept {
  bool complete = true;
  root.visit_below([&](scope_node& n) {
    if (n.type() != scope_node::kind::actor || !complete) return;
    try {
      rows.push_back(describe(*n.host()));
    } catch (const std::bad_alloc&) {
      complete = false;
    }
  });
  return complete;
}

void write_all(int fd, std::string_view text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto n = write(fd, text.data() + done, text.size() - done);
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

void write_table(runtime_core& r, int fd) {
  std::vector<row> rows;
  if (!collect(r.root(), rows)) write_all(fd, "weir: not enough memory to list all actors\n");
  std::sort(rows.begin(), rows.end(), [](const row& a, const row& b) { return a.id < b.id; });

  std::size_t name = 4, state = 5, object = 11;
  for (const row& x : rows) {
    name = std::max(name, x.name.size());
    state = std::max(state, x.state.size());
    object = std::max(object, x.object.size());
  }
  write_all(fd, fmt::format("weir: {} actor{}, {} worker{}, up {} (weakly consistent)\n", rows.size(),
                            rows.size() == 1 ? "" : "s", r.worker_count(), r.worker_count() == 1 ? "" : "s",
                            short_duration(now() - r.started())));
  if (const std::size_t unguarded = r.stacks().unguarded(); unguarded != 0)
    write_all(fd, fmt::format("weir: {} stacks have no guard page: an overflow is found late\n", unguarded));
  const auto line = [&](const auto& id, const auto& n, const auto& s, const auto& o, const auto& d, const auto& k,
                        const auto& w) {
    write_all(fd,
              fmt::format("{:>6} {:<{}} {:<{}} {:<{}} {:>6} {:>10}  {}\n", id, n, name, s, state, o, object, d, k, w));
  };
  line("ID", "NAME", "STATE", "WAITING FOR", "FOR", "STACK", "SPAWNED AT");
  for (const row& x : rows)
    line(x.id, x.name.empty() ? "-" : x.name, x.state, x.object.empty() ? "-" : x.object,
         x.duration.empty() ? "-" : x.duration, x.stack, x.where);
}

}  // namespace

std::string short_duration(std::chrono::nanoseconds d) {
  const double s = std::chrono::duration<double>(d).count();
  if (s >= 3600) return fmt::format("{}h{:02}m", static_cast<long>(s) / 3600, static_cast<long>(s) / 60 % 60);
  if (s >= 60) return fmt::format("{}m{:02}s", static_cast<long>(s) / 60, static_cast<long>(s) % 60);
  if (s >= 10) return fmt::format("{:.0f}s", s);
  if (s >= 1) return fmt::format("{:.1f}s", s);
  if (s >= 1e-3) return fmt::format("{:.0f}ms", s * 1e3);
  return fmt::format("{:.0f}us", s * 1e6);
}

void report_actors(runtime_core& r, int fd) noexcept {
  try {
    write_table(r, fd);
  } catch (const std::bad_alloc&) {
    std::array<char, 100> line;
    const int length =
        std::snprintf(line.data(), line.size(), "weir: %zu actors, not enough memory to list them\n", r.alive());
    write_all(fd, {line.data(), static_cast<std::size_t>(length)});
  }
}

}  // namespace weir::internal
