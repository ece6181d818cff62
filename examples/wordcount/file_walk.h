// file_walk: all files in a list of files and folders.
//
// Thread-safety: none; used by one lister, off the workers, as every call may wait for a disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "examples/wordcount/fault.h"

namespace wordcount {

struct listed_file {
  std::string path;
  std::uint64_t bytes;  // its size when it was listed
};

class file_walk {
 public:
  struct batch {
    std::vector<listed_file> files;
    std::vector<fault> faults;
  };

  explicit file_walk(const std::vector<std::string>& paths) : to_visit_(paths.rbegin(), paths.rend()) {}

  // Replaces `b` by some more of what there is, at most a few hundred, so that a folder of millions takes no memory.
  // False at the end.
  //
  // What was given is visited even if it is a symbolic link, a pipe or a device. Within folders only folders and
  // regular files are: a link would lead to what is counted elsewhere, or round in circles.
  bool next(batch& b);

 private:
  void visit_next(batch& b);  // of to_visit_
  void step(batch& b);        // within_

  std::vector<std::filesystem::path> to_visit_;  // the last one comes next
  std::size_t given_ = to_visit_.size();         // the first so many of to_visit_ were given by the user
  std::filesystem::path folder_;                 // what within_ is in
  std::filesystem::directory_iterator within_;   // end: none is open
};

}  // namespace wordcount
