// Writes the seeds of http_fuzz as files into the folder that is named.
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/net/http/http_fuzz.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: http_fuzz_seeds FOLDER\n"), 2;
  int n = 0;
  for (const std::string& seed : fuzz::http_seeds()) {
    std::ofstream file(std::string(argv[1]) + "/seed_" + std::to_string(n++), std::ios::binary);
    if (!(file << seed).flush()) return std::fprintf(stderr, "http_fuzz_seeds: cannot write to %s\n", argv[1]), 1;
  }
}
