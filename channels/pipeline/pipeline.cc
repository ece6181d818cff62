#include "weir/channels/pipeline/pipeline.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/blocking.h"

namespace weir::internal {

node_base::node_base(run_state& run, const char* kind, stage_options options)
    : run_(run),
      kind_(kind),
      options_(std::move(options)),
      name_(!options_.name.empty() ? options_.name
            : run.nodes.empty()    ? std::string(kind)
                                   : fmt::format("{} {}", kind, run.nodes.size())),
      meters_(new stage_meter[static_cast<std::size_t>(options_.parallel > 0 ? meters() : 1)]) {
  const auto refuse = [&](const char* rule, std::string value, const char* remedy) {
    throw_misuse(fmt::format("stage \"{}\"", name_).c_str(), rule, value, remedy, run.where);
  };
  if (options_.parallel < 1)
    refuse(".parallel must be 1 or more", std::to_string(options_.parallel), "Say how many actors run the stage.");
  if (options_.buffer < 0 || options_.buffer > 16'777'216)
    refuse(".buffer must be 0 (as suits the stage) to 16777216", std::to_string(options_.buffer),
           "Tens of items are enough for most stages.");
  if (options_.timeout.count() < 0)
    refuse(".timeout must not be negative", std::to_string(options_.timeout.count()) + " ns", "0 means: no limit.");
  run.nodes.push_back(this);
}

void node_base::require_alone() const {
  if (options_.parallel != 1)
    throw_misuse(fmt::format("stage \"{}\"", name_).c_str(), "it looks at several items and runs in one actor",
                 fmt::format(".parallel = {}", options_.parallel), "Leave .parallel out.", run_.where);
}

std::string text_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";  // it stays in `failure`
  }
}

void throw_pipeline_error(const node_base& stage, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (...) {
    std::throw_with_nested(pipeline_error(stage.name(), text_of(failure)));
  }
}

void throw_too_long(const node_base& stage) {
  const double ms = static_cast<double>(stage.options().timeout.count()) * 1e-6;
  throw timed_out(fmt::format("an item took longer than .timeout = {} ms", ms));
}

void require_at_least_one(const char* call, const char* what, long long n, site where) {
  if (n < 1) throw_misuse(call, fmt::format("{} must be 1 or more", what), std::to_string(n), "", where);
}
void require_duration(const char* call, std::chrono::nanoseconds d, site where) {
  if (d.count() <= 0)
    throw_misuse(call, "the time must be more than zero", std::to_string(d.count()) + " ns", "", where);
}

lines_source::file::file(const std::string& path)
    : path_(path), fd_(blocking([&] {
        const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        return fd >= 0 ? fd : -errno;  // of that thread
      })) {
  if (fd_ < 0) throw std::system_error(-fd_, std::generic_category(), "lines: open " + path);
}
lines_source::file::~file() { close(fd_); }

bool lines_source::file::read(std::string& rest, std::vector<std::string>& lines, stage_meter& m) const {
  constexpr std::size_t block = 256 * 1024;
  const time_point begin = now();
  const std::size_t had = rest.size();
  int error = 0;
  const ssize_t got = blocking([&] {
    rest.resize(had + block);
    ssize_t n;
    do n = ::read(fd_, rest.data() + had, block);
    while (n < 0 && errno == EINTR);
    if (n < 0) error = errno;
    return n;
  });
  m.starved.add((now() - begin).count());
  rest.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got < 0) throw std::system_error(error, std::generic_category(), "lines: read " + path_);
  std::size_t start = 0;
  for (std::size_t end; (end = rest.find('\n', std::max(start, had))) != std::string::npos; start = end + 1)
    lines.push_back(rest.substr(start, end - start));
  rest.erase(0, start);
  return got > 0;
}

}  // namespace weir::internal
