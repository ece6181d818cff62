// Which cores a load and the server under it have.
//
// Thread-safety: none.
#pragma once

#include <vector>

namespace bench {

// The cores that this process could have: what pinned it before does not count.
std::vector<int> cores();

// Ends the program if the core cannot be had. So do programs started from now on stay there.
void pin_to(int core);

}  // namespace bench
