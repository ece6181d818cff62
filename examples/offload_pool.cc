// Hashes a tree of files on every core, on a pool of threads, while a ticker keeps its beat.
//
// Usage: offload_pool [DIR]      default: /usr/share/doc
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "weir/weir.h"

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

// 64-bit FNV-1a. Origin: Fowler, Noll, Vo; RFC 9923.
std::uint64_t fnv1a(const char* data, std::size_t size, std::uint64_t hash) {
  for (std::size_t i = 0; i < size; ++i) hash = (hash ^ static_cast<unsigned char>(data[i])) * 0x100000001b3u;
  return hash;
}

struct outcome {
  bool read = false;
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0xcbf29ce484222325u;
};

outcome hash_file(const std::string& path) {
  outcome o;
  std::ifstream file(path, std::ios::binary);
  std::vector<char> block(std::size_t{256} << 10);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
    const auto size = static_cast<std::size_t>(file.gcount());
    o.hash = fnv1a(block.data(), size, o.hash);
    o.bytes += size;
  }
  o.read = file.eof();
  return o;
}

std::vector<std::string> files_below(const std::string& root) {
  std::vector<std::string> files;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root, options))
    if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path());
  return files;
}

// Prints at every 50th tick, and notes how late each one is.
struct beat {
  static constexpr auto period = 10ms;

  void run(const std::atomic<std::uint64_t>& files, std::size_t of) {
    weir::ticker ticker(period);
    for (;;) {
      const auto due = ticker.at().at();
      weir::select(weir::on_tick(ticker, [&] { late.push_back(steady_clock::now() - due); }));
      if (late.size() % 50 == 0) std::fprintf(stderr, "tick %zu: %ju of %zu files\n", late.size(), files.load(), of);
    }
  }

  std::vector<steady_clock::duration> late;
};

int hash_tree(const std::string& root) {
  const auto files = weir::blocking([&] { return files_below(root); });
  beat ticks;
  std::atomic<std::uint64_t> done{0};
  std::uint64_t bytes = 0, digest = 0, unread = 0;
  const auto start = steady_clock::now();
  weir::with_scope([&](weir::scope& s) {
    s.spawn("beat", [&] { ticks.run(done, files.size()); });
    auto [todo, inbox] = weir::channel<const std::string*>(64, "files");
    auto [out, results] = weir::channel<outcome>(64, "results");
    s.spawn("list", [&files, todo = std::move(todo)] {
      for (const std::string& f : files)
        if (!todo.send(&f)) return;
    });
    for (unsigned a = 0; a < 4 * std::thread::hardware_concurrency(); ++a)
      s.spawn("hash", [inbox = inbox, out = out] {
        for (const std::string* path : inbox)
          if (!out.send(weir::offload([&] { return hash_file(*path); }))) return;
      });
    inbox.reset(), out.reset();
    for (const outcome& o : results) {
      ++done;
      unread += !o.read;
      if (!o.read) continue;
      bytes += o.bytes;
      digest += o.hash;  // in whatever order they come
    }
    s.cancel();  // the beat
  });
  const auto took = steady_clock::now() - start;

  std::printf("%zu files, %ju bytes, %ju not read, digest %016jx\n", files.size() - unread, bytes, unread, digest);
  std::sort(ticks.late.begin(), ticks.late.end());
  const auto p99 = ticks.late.empty() ? 0ns : ticks.late[ticks.late.size() * 99 / 100];
  std::printf("ticks: %jd expected, %zu seen; p99 %.3f ms late\n", static_cast<std::intmax_t>(took / beat::period),
              ticks.late.size(), std::chrono::duration<double, std::milli>(p99).count());
  return unread == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) {
    std::fprintf(stderr,
                 "offload_pool: takes one folder at most; got %d arguments. Write: offload_pool /usr/share/doc\n",
                 argc - 1);
    return 2;
  }
  try {
    return weir::run([&] { return hash_tree(argc == 2 ? argv[1] : "/usr/share/doc"); });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "offload_pool: %s\n", e.what());
    return 1;
  }
}
