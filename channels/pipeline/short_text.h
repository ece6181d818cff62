// Figures as people read them: three digits and a unit.
//   short_number     "412k"
//   short_bytes      "4.56 GB"
//   short_duration   "1.2ms"
//   short_clock      "45s", "1:07", "1:02:03"
//
// Thread-safety: pure functions.
#pragma once

#include <chrono>
#include <string>

namespace weir {

// Thousands as k, M, G, T.
std::string short_number(double n);
// Units of 10^3, as disks are sold.
std::string short_bytes(double n);
// "-" for none at all.
std::string short_duration(std::chrono::nanoseconds d);
// How long something still takes, or took: whole seconds, rounded up.
std::string short_clock(double seconds);

}  // namespace weir
