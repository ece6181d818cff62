// What the process occupies, and the condition in which it meets the machine's memory.
//
// Thread-safety: all of it.
#pragma once

#include <cstdint>

namespace bench {

// Bytes of resident memory and of the page tables that map it. 0: of this process.
std::int64_t occupied_bytes(int process = 0);
// Mappings, as vm.max_map_count counts them.
std::int64_t mappings();

// Touches so many bytes and gives them back. A hypervisor backs a guest's page when it is first touched, which costs
// several times as much as the guest's own page fault; whoever runs first would pay for all.
void warm_memory(std::int64_t bytes);

}  // namespace bench
