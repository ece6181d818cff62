// A benchmark program whose work is not done: it must never become a figure.
#include <stdexcept>

#include "bench/harness/workload.h"

namespace {

const bench::workload registered[] = {
    {"switch",
     [](const bench::request& r) {
       bench::report_each(r, 1000.0 * static_cast<double>(r.n));  // 1000 ns, whatever n is: below target
     }},
    {"pingpong",
     [](const bench::request& r) {
       bench::require_sum(r, "the sum of what came back", 41, 42);
       bench::report_each(r, 1);
     }},
    {"ring", [](const bench::request&) { throw std::runtime_error("no memory for a ring"); }},
    {"spawn", [](const bench::request& r) { bench::report(r, "tim", 1, "ns"); }},
};

}  // namespace
