// Process: weir::net::process, a program of its own, with streams to it. Its end is a case of select, too: on_exit.
#include <cstdio>
#include <string>

#include "weir/net/process/process.h"
#include "weir/weir.h"

namespace net = weir::net;

int main() {
  return weir::run([] {
    net::process child(
        {.program = "/bin/sh", .arguments = {"-c", "echo $((6 * 7)); exit 3"}, .output = net::stdio::pipe()});
    std::string line;
    if (child.output().read_until(line, "\n")) std::printf("it says %s", line.c_str());
    std::printf("exit code %d\n", child.wait()->code);
  });
}
