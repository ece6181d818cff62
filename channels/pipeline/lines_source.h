// lines(path): the lines of a file, a FIFO or a terminal.
//
// A file is read on a thread that may wait for the disk. What is written while it is read (a FIFO, a terminal) is read
// as it comes, and while nothing comes the actor waits for the descriptor: a drain or a cancel ends that. A FIFO ends
// when its last writer has gone, and is waited for until it has had one, as it would be by a blocking open.
//
// Thread-safety: the actor that runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/channels/pipeline/source_stop.h"
#include "weir/channels/pipeline/stage_meter.h"

namespace weir::internal {

class line_reader {
 public:
  // Opens it. Throws std::system_error with the path, as read() does.
  line_reader(const std::string& path, source_stop& stop, stage_meter& m);
  line_reader(const line_reader&) = delete;
  ~line_reader();

  // Reads on, and appends the lines that are whole; at the end also what stands behind the last newline. False: that
  // was the end, or `stop` was asked for. Parks while there is nothing to be read; a cancel throws weir::cancelled.
  bool read(std::vector<std::string>& lines);
  // What is not given out is still there for others.
  bool keeps() const noexcept { return keeps_; }

 private:
  std::ptrdiff_t fetch(char* to, std::size_t most);
  bool wait();

  const std::string& path_;
  source_stop& stop_;
  stage_meter& meter_;
  const int fd_;
  bool keeps_ = false;     // a file
  bool slow_ = true;       // a read may wait, whatever was said when it was opened
  bool terminal_ = false;  // reads as broken when its other side has hung up
  bool waits_first_ = false;
  bool stopped_ = false;
  std::string rest_;  // of a line that has begun
};

class lines_source {
 public:
  using value_type = std::string;
  explicit lines_source(std::string path) : path_(std::move(path)) {}
  std::optional<std::size_t> size() const { return {}; }
  template <class Push>
  void run(const Push& push, stage_meter& m, source_stop& stop) {
    if (stop.asked()) return;
    line_reader from(path_, stop, m);
    std::vector<std::string> ready;
    for (bool more = true; more && !stop.asked(); ready.clear()) {
      more = from.read(ready);
      for (std::string& line : ready)
        if (!push(std::move(line)) || (from.keeps() && stop.asked())) return;
    }
  }

 private:
  std::string path_;
};

}  // namespace weir::internal
