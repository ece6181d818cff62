// Who holds something: the address of a parker serves as the identity of an actor or a plain thread.
#pragma once

#include <string>

#include "weir/runtime/base/site.h"
#include "weir/runtime/internal/parker.h"

namespace weir::internal {

// `actor "parser" (#12)`, or `a plain thread`. REQUIRES: `p` cannot go meanwhile.
std::string describe_holder(const parker& p);

// `mutex jobs.cc:12`.
std::string describe_place(const char* what, site where);

}  // namespace weir::internal
