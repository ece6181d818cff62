// Writes the seeds of frames_fuzz as files into the folder that is named.
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/net/websocket/frames_fuzz.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: frames_fuzz_seeds FOLDER\n"), 2;
  int n = 0;
  for (const std::string& seed : fuzz::frames_seeds()) {
    std::ofstream file(std::string(argv[1]) + "/seed_" + std::to_string(n++), std::ios::binary);
    if (!(file << seed).flush()) return std::fprintf(stderr, "frames_fuzz_seeds: cannot write to %s\n", argv[1]), 1;
  }
}
