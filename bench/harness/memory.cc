#include "bench/harness/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>

namespace bench {

std::int64_t occupied_bytes(int process) {
  std::ifstream status(process == 0 ? "/proc/self/status" : "/proc/" + std::to_string(process) + "/status");
  std::int64_t kib = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:") || line.starts_with("VmPTE:")) kib += std::stoll(line.substr(6));
  return kib * 1024;
}

std::int64_t mappings() {
  std::ifstream maps("/proc/self/maps");
  return std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
}

void warm_memory(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory != MAP_FAILED) munmap(memory, size);
}

}  // namespace bench
