// Process: a program of its own, read and waited for in blocking(). A process as a source of select comes later.
#include <sys/wait.h>

#include <cstdio>

#include "weir/weir.h"

namespace {

struct ended {
  int said = 0, exit_code = -1;
};

ended run_child() {
  ended how;
  std::FILE* const child = popen("echo $((6 * 7)); exit 3", "r");
  if (!child) return how;
  if (std::fscanf(child, "%d", &how.said) != 1) how.said = -1;
  how.exit_code = WEXITSTATUS(pclose(child));
  return how;
}

}  // namespace

int main() {
  return weir::run([] {
    const ended how = weir::blocking(run_child);
    std::printf("it says %d\nexit code %d\n", how.said, how.exit_code);
  });
}
