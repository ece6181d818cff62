#include "examples/fetch/fetch_one.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "weir/net/address.h"
#include "weir/net/buffer.h"
#include "weir/net/files/file.h"
#include "weir/net/http/error.h"
#include "weir/net/http/url.h"
#include "weir/weir.h"

namespace fetcher {
namespace {

using clock = std::chrono::steady_clock;
namespace http = weir::net::http;

// "0007-example.org-a_b.html".
std::string file_name(std::size_t index, const http::url& u) {
  std::string number = std::to_string(index + 1);
  number.insert(0, 4 - std::min<std::size_t>(4, number.size()), '0');
  std::string name = number + "-" + u.host() + "-" + u.path().substr(1);
  for (char& c : name)
    if (std::string_view("/:%").find(c) != std::string_view::npos) c = '_';
  return name.substr(0, 200);
}

// A file that gets its name with its last piece, and goes if that does not come.
class part_file {
 public:
  explicit part_file(std::filesystem::path path) : path_(std::move(path)), part_(path_.native() + ".part") {}
  part_file(const part_file&) = delete;
  ~part_file() {
    std::error_code ignored;
    if (there_) std::filesystem::remove(part_, ignored);
  }

  // Open only meanwhile: there are as many descriptors as threads that write, not one for each body under way.
  void append(weir::net::const_buffer piece, bool last) {
    weir::blocking([&] {
      weir::net::file to(part_, there_ ? weir::net::open_mode::append : weir::net::open_mode::write);
      there_ = true;
      to.expect("write", to.write_all(piece));
      to.close();
      if (!last) return;
      std::filesystem::rename(part_, path_);
      there_ = false;
    });
  }

 private:
  const std::filesystem::path path_, part_;
  bool there_ = false;
};

void receive_body(http::incoming& from, part_file* into, outcome& made) {
  constexpr std::size_t size = 64 * 1024;
  const std::unique_ptr<char[]> piece(new char[size]);
  for (bool whole = false; !whole;) {
    std::size_t have = 0;
    while (have < size && !whole) {
      const std::size_t n = from.read_some({piece.get() + have, size - have});
      whole = n == 0;
      have += n;
    }
    made.bytes += have;
    if (into != nullptr) into->append(std::string_view(piece.get(), have), whole);
  }
}

void receive(http::client& web, const job& j, const options& o, outcome& made) {
  const weir::deadline limit(o.timeout);
  for (int left = o.retries;; --left) {
    http::incoming in = web.open(j.url, {.timeout = o.timeout, .retries = left, .until = limit});
    const http::fetched& head = in.head();
    left -= head.attempts - 1;
    made.attempts = o.retries - left + 1;
    made.status = code_of(head.status);
    made.bytes = 0;
    std::optional<http::error> broken;
    try {
      std::optional<part_file> file;
      if (is_success(head.status) && !o.out.empty())
        file.emplace(std::filesystem::path(o.out) / file_name(j.index, http::url::parse(j.url)));
      receive_body(in, file ? &*file : nullptr, made);
      if (is_success(head.status)) return;
      made.error = weir::net::printable(head.reason);
      if (made.error.empty()) made.error = "no success";
      return;
    } catch (const http::error& e) {
      broken = e;
    }
    // The client's retries do not reach beyond the head.
    const bool may_retry =
        left > 0 && (broken->kind() == http::error_kind::truncated || broken->kind() == http::error_kind::reset);
    const weir::deadline next(std::chrono::milliseconds(100) * made.attempts);
    if (!may_retry || next >= limit) throw http::error(*broken);
    weir::this_actor::sleep(next);
  }
}

}  // namespace

outcome fetch_one(http::client& web, const job& j, const options& o) {
  outcome made;
  made.index = j.index, made.url = j.url;
  const clock::time_point begin = clock::now();
  try {
    receive(web, j, o, made);
  } catch (const http::error& e) {
    made.status = 0;  // what came of a response is none
    made.error = std::string(name_of(e.kind())) + ": " + e.happened() + " (" + name_of(e.phase()) + ")";
  } catch (const std::exception& e) {
    made.error = e.what();  // the file, or no memory
  }
  made.took = clock::now() - begin;
  return made;
}

}  // namespace fetcher
