// Copies stdin to stdout, as cat does: for pipe_test.
#include <cstdio>

#include "weir/net/error.h"
#include "weir/net/pipe.h"
#include "weir/runtime/runtime.h"

int main() {
  return weir::run([] {
    try {
      const auto in = weir::net::standard_input(), out = weir::net::standard_output();
      for (char part[100'000];;) {
        const auto r = in.read_some(part);
        if (!r) return 0;
        const auto w = out.write_all({part, r.bytes});
        if (!w) {
          std::fprintf(stderr, "%s\n", weir::net::name_of(w.status));
          return 1;
        }
      }
    } catch (const weir::net::error& e) {
      std::fprintf(stderr, "%s\n", e.what());
      return 2;
    }
  });
}
