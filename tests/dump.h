// The dump of all actors as text, for tests of what it says.
#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "weir/runtime/dump.h"

namespace testing {

inline std::string dump() {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::string text;
  std::thread reader([&] {
    char buffer[512];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  });
  weir::dump_actors(ends[1]);
  close(ends[1]);
  reader.join();
  close(ends[0]);
  return text;
}

// The row that has `name` in it, runs of blanks made one.
inline std::string row(const std::string& table, const std::string& name) {
  const auto at = table.find(" " + name + " ");
  if (at == std::string::npos) return "no row for " + name + " in\n" + table;
  const auto begin = table.rfind('\n', at) + 1;
  std::string line;
  for (char c : table.substr(begin, table.find('\n', at) - begin))
    if (c != ' ' || (!line.empty() && line.back() != ' ')) line += c;
  return line;
}

// The actor `name` is parked in the operation `verb`.
inline bool waits(const std::string& name, const std::string& verb) {
  return row(dump(), name).find(" " + name + " " + verb + " ") != std::string::npos;
}

}  // namespace testing
