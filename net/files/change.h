// weir::net::change: something has happened to a file (watch.h).
//
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <filesystem>

namespace weir::net {

enum class change_kind : std::uint8_t {
  created,     // an entry of a watched directory, as are the next three
  removed,     //
  moved_away,  // to another name, in this directory or elsewhere
  moved_here,  //
  modified,    // written to, or truncated; the entry, or the watched file itself
  written,     // closed by somebody who had it open to write
  attributes,  // owner, permissions, times, number of names
  gone,        // the watched path itself was removed, or renamed, or its file system is: it is not watched any more
  lost,        // too many changes waited to be taken, and some are lost: look for yourself
};
const char* name_of(change_kind k) noexcept;

struct change {
  change_kind kind{};
  std::filesystem::path path;  // as it was given to be watched, with the entry's name; empty: lost
  bool directory = false;
  // moved_away and moved_here of one renaming have the same number; else 0.
  std::uint32_t move = 0;
};

}  // namespace weir::net
