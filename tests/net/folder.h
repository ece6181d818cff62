// A folder of a test's own; it goes with the object, with all that is in it.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace testing {

class folder {
 public:
  folder() {
    const char* const base = std::getenv("TEST_TMPDIR");
    std::string pattern = (base ? std::string(base) : std::filesystem::temp_directory_path().string()) + "/net_XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  folder(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const noexcept { return path_; }
  std::string operator/(const std::string& name) const { return path_ / name; }
  // Makes a file, and returns its path.
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(*this / name, std::ios::binary) << content;
    return *this / name;
  }

 private:
  std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// How many descriptors this process has open: the least of some looks, as a runtime's watchdog opens a file now and
// then.
inline std::size_t open_descriptors() {
  std::size_t least = SIZE_MAX;
  for (int i = 0; i < 3; ++i) {
    std::size_t count = 0;
    DIR* const all = opendir("/proc/self/fd");
    while (readdir(all) != nullptr) ++count;
    closedir(all);
    least = std::min(least, count);
  }
  return least;
}

}  // namespace testing
