// fault: something that could not be read, and why. It is named on stderr, and the rest is counted.
//
// Thread-safety: a value.
#pragma once

#include <string>

namespace wordcount {

struct fault {
  std::string path;
  std::string reason;
};

// The reason that the system gives for an errno.
std::string reason_of(int error);

// "PATH: REASON", on one line: control bytes in the path, which could play tricks on a terminal, appear as \xNN.
std::string describe(const fault& f);

}  // namespace wordcount
