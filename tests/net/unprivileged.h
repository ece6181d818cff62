// File permissions that hold for root, too.
#pragma once

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace testing {

// From now on the calling thread, and those it starts, may no longer read what it has no permission for. There is no
// way back, so only in a child (child.h). False: the kernel does not let it.
inline bool drop_file_privileges() {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (syscall(SYS_capget, &head, data) != 0) return false;
  for (const unsigned n : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) {
    data[0].effective &= ~(1u << n);
    data[0].permitted &= ~(1u << n);
  }
  return syscall(SYS_capset, &head, data) == 0;
}

}  // namespace testing
