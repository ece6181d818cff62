// asyncio.run is weir::run. A loop that serves several times is a weir::runtime.
#include <cstdio>
#include <stdexcept>
#include <string>

#include "weir/weir.h"

namespace {

std::string greet(const std::string& name) {  // no async, no await: any function may park
  weir::this_actor::yield();
  return "hello, " + name;
}

}  // namespace

int main() {
  std::printf("%s\n", weir::run([] { return greet("weir"); }).c_str());
  try {
    weir::run([] { throw std::runtime_error("no such file"); });
  } catch (const std::runtime_error& e) {
    std::printf("run raised: %s\n", e.what());
  }

  weir::runtime loop;
  for (const char* name : {"once", "again"}) std::printf("%s\n", loop.run([name] { return greet(name); }).c_str());
}
