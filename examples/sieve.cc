// The concurrent prime sieve: one actor per prime, each takes the multiples of its prime out of the stream.
//
//   numbers -> 2 -> 3 -> 5 -> ... -> main
//
// Origin: Hoare, "Communicating Sequential Processes" (1978), section 6.1, after McIlroy.
#include <charconv>
#include <cstdio>
#include <cstring>

#include "weir/weir.h"

namespace {

constexpr int most = 10'000;

// The argument as a number from 1 to `most`; 0 if it is none.
int parse_count(const char* text) {
  const char* const end = text + std::strlen(text);
  int count = 0;
  const auto [stopped, error] = std::from_chars(text, end, count);
  return error == std::errc() && stopped == end && count >= 1 && count <= most ? count : 0;
}

void print_primes(int count) {
  weir::with_scope([count](weir::scope& s) {
    constexpr weir::spawn_options small{.stack = 16 << 10};
    auto [numbers, primes] = weir::channel<int>(16);
    s.spawn(
        "numbers",
        [numbers = std::move(numbers)] {
          for (int n = 2; numbers.send(n); ++n) {
          }
        },
        small);

    for (int i = 1; i <= count; ++i) {
      const int prime = *primes.recv();  // the first that no filter before took out
      std::printf("%d%c", prime, i % 10 == 0 || i == count ? '\n' : ' ');
      auto [passed, rest] = weir::channel<int>(16);
      s.spawn(
          "filter",
          [prime, in = std::move(primes), passed = std::move(passed)] {
            for (int n : in)
              if (n % prime != 0 && !passed.send(n)) return;
          },
          small);
      primes = std::move(rest);
    }
    s.cancel();  // there is no last number: every actor ends at its next park
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 1 ? 100 : argc == 2 ? parse_count(argv[1]) : 0;
  if (count == 0) {
    std::fprintf(stderr, "sieve: takes one whole number from 1 to %d, the count of primes; got", most);
    for (int i = 1; i < argc; ++i) std::fprintf(stderr, " \"%s\"", argv[i]);
    std::fprintf(stderr, ". For the first hundred write: sieve 100\n");
    return 2;
  }
  return weir::run([count] { print_primes(count); });
}
