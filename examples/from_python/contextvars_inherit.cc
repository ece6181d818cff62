// contextvars, gevent.local, threading.local: actor_local. An actor begins with its parent's values; what it sets is
// its own.
#include <cstdio>
#include <string>

#include "weir/weir.h"

namespace {

weir::actor_local<std::string> request("none");

void handle() {
  std::printf("inherited: %s\n", request->c_str());
  request.set("7, retried");
  std::printf("its own: %s\n", request->c_str());
}

}  // namespace

int main() {
  return weir::run([] {
    std::printf("default: %s\n", request->c_str());
    request.set("7");
    weir::spawn("handler", handle).join();
    std::printf("the creator's: %s\n", request->c_str());
  });
}
