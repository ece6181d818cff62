// tail -F: prints a file as it grows, over its being truncated, moved away and made anew (rotated), removed and made
// again.
//
// Usage: tail_follow FILE [LAST]     LAST: ends after it has printed this line; for tests
//
// The folder is watched and not the file: so the watch outlives the file. A change is only the reason to look; what is
// to be done about it is seen at the file.
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "weir/net/error.h"
#include "weir/net/files/file.h"
#include "weir/net/files/file_info.h"
#include "weir/net/files/watch.h"
#include "weir/weir.h"

using namespace std::chrono_literals;
namespace net = weir::net;

namespace {

class follower {
 public:
  follower(std::filesystem::path path, std::string last) : path_(std::move(path)), last_(std::move(last)) {}

  // Prints what has been added. False: the last line has come.
  bool look() {
    const auto present = net::try_stat(path_);
    if (file_.is_open() && present && !present->same_file(opened_)) {
      print_rest();  // what came before it was moved away
      std::fprintf(stderr, "tail_follow: %s is another file now\n", path_.c_str());
      file_.close();
    }
    if (!file_.is_open() && present) open();
    if (file_.is_open()) {
      if (file_.size() < file_.position()) {
        std::fprintf(stderr, "tail_follow: %s was truncated\n", path_.c_str());
        file_.seek(0);
      }
      print_rest();
    }
    std::fflush(stdout);
    return !over_;
  }

 private:
  void open() {
    try {
      file_ = net::file(path_);
      opened_ = net::stat(path_);  // another one by now: then the next look finds that out, and reads this one first
    } catch (const net::error& e) {
      if (e.code() != std::errc::no_such_file_or_directory) throw;
    }
  }

  void print_rest() {
    std::array<char, 65536> part;
    while (const net::io_result got = file_.read_some(part)) print({part.data(), got.bytes});
  }

  void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (last_.empty()) return;
    for (const char c : text) {
      if (c == '\n')
        over_ = over_ || line_ == last_, line_.clear();
      else
        line_ += c;
    }
  }

  const std::filesystem::path path_;
  const std::string last_;
  net::file file_;
  net::file_info opened_;
  std::string line_;  // printed, without its end yet
  bool over_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: tail_follow FILE [LAST]\n");
    return 2;
  }
  const std::filesystem::path path = argv[1];
  try {
    return weir::run([&] {
      net::watcher changes(path.has_parent_path() ? path.parent_path() : ".");
      follower tail(path, argc > 2 ? argv[2] : "");
      // Network file systems tell of no change that others make: hence a look now and then.
      while (tail.look()) changes.next(1s);
    });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tail_follow: %s\n", e.what());
    return 1;
  }
}
