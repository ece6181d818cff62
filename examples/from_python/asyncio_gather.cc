// gather: several functions at once, or one for each element. Unlike asyncio's, a failure cancels the others.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "weir/weir.h"

namespace {

std::size_t length(const std::string& word) {
  weir::this_actor::yield();
  if (word.empty()) throw std::invalid_argument("empty");
  return word.size();
}

}  // namespace

int main() {
  return weir::run([] {
    const auto [a, b] = weir::gather([] { return length("weir"); }, [] { return length("river"); });
    std::printf("%zu %zu\n", a, b);

    const std::vector<std::string> words{"a", "", "ccc"};
    try {
      weir::gather_each(words, length);
    } catch (const std::invalid_argument& e) {
      std::printf("failed: %s\n", e.what());
    }

    std::vector<std::exception_ptr> failures;
    const auto kept =
        weir::gather_each(words, length, {.on_error = weir::failure_policy::leave_out, .failures = &failures});
    for (const std::size_t n : kept) std::printf("%zu ", n);
    std::printf("and %zu failed\n", failures.size());
  });
}
