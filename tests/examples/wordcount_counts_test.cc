// wordcount's counts are those of tr | sort | uniq -c, on real and on generated input, in bounded memory.
#include <algorithm>
#include <cstdint>
#include <random>

#include "tests/examples/program.h"

using testing::outcome;
using testing::program;
using testing::scratch;
using testing::shell;

namespace {

constexpr std::size_t mega = 1'000'000;

// Writes the counts as the shell has them to `path`, in wordcount's order.
void write_reference(const std::vector<std::string>& inputs, const std::string& path) {
  std::string quoted;
  for (const std::string& i : inputs) quoted += " '" + i + "'";
  // The echo is there because a file may end without a line end; the empty word that tr makes of a text that begins
  // with none is taken out.
  const auto done = shell(
      "set -o pipefail; export LC_ALL=C; find" + quoted +
      R"( -type f -print0 | while IFS= read -r -d '' f; do case $f in *.gz) gzip -dc -- "$f";; *) cat -- "$f";; esac; echo; done)"
      R"( | tr -cs "A-Za-z0-9'\200-\377" '\n' | tr A-Z a-z | sort -S 256M -T "$TEST_TMPDIR" | uniq -c | sed '/^ *[0-9]* $/d')"
      R"( | sort -k1,1nr -k2 > )" +
      path);
  INFO(done.err);
  REQUIRE(done.status == 0);
}

// Compares in files: to hold them here would count as memory of the programs started later, which begin as copies of
// us.
outcome compare_with_reference(const std::vector<std::string>& inputs) {
  const scratch s;
  std::vector<std::string> command = {"examples/wordcount", "--quiet", "--workers", "2", "--top", "1000000000"};
  command.insert(command.end(), inputs.begin(), inputs.end());
  outcome done = program(command, s / "counts").wait();
  CHECK(done.status == 0);
  CHECK(done.err == "");
  write_reference(inputs, s / "reference");
  CHECK(shell("wc -l < " + s / "reference").out != "0\n");
  CHECK(shell("diff -a <(head -n -2 " + s / "counts" + ") " + s / "reference" + " | head -20").out == "");
  return done;
}

// Folders of documentation, as many as have about so many bytes together.
std::vector<std::string> documentation(std::size_t bytes) {
  namespace fs = std::filesystem;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator("/usr/share/doc"))
    if (!entry.is_symlink() && entry.is_directory()) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());

  std::vector<std::string> chosen;
  std::size_t sum = 0;
  for (const fs::path& folder : folders) {
    if (sum >= bytes) break;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (!entry.is_symlink() && entry.is_regular_file()) sum += entry.file_size();
    chosen.push_back(folder);
  }
  return chosen;
}

// Text of at least so many bytes: few words that are frequent and many that are rare, some of them long, separated by
// all sorts of bytes, in lines and without.
void generate(const std::string& path, std::size_t bytes) {
  std::mt19937_64 random(20241);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  constexpr std::string_view letters = "etaoinshrdlucmfwygpbvkxqjzETAOINSHRDLU0123456789'\xc3\xa4\xff";
  std::vector<std::string> words;
  for (int i = 0; i < 20'000; ++i) {
    std::string word;
    for (std::size_t length = i % 1000 == 999 ? 5'000 : 1 + below(12); length > 0; --length)
      word += letters[below(letters.size())];
    words.push_back(word);
  }
  constexpr std::string_view separators[] = {" ",  " ",    " ",     " ", ", ",
                                             "\n", "\r\n", ".\n\n", "-", std::string_view("\0", 1)};

  std::ofstream file(path, std::ios::binary);
  std::string block;
  for (std::size_t written = 0; written < bytes; written += block.size(), block.clear()) {
    while (block.size() < mega) {
      const std::size_t rank = below(words.size());
      block += words[rank * rank / words.size() * rank / words.size()];  // the first ones most often
      block += separators[below(std::size(separators))];
    }
    file << block;
  }
  file.close();
  REQUIRE(file);
}

}  // namespace

TEST_CASE("counts equal the shell's on the licenses") { compare_with_reference({"/usr/share/common-licenses"}); }

TEST_CASE("counts equal the shell's on packages' documentation, plain and packed") {
  compare_with_reference(documentation((testing::sanitized ? 1 : 10) * mega));
}

TEST_CASE("counts equal the shell's on a binary") { compare_with_reference({"/bin/bash"}); }

TEST_CASE("counts equal the shell's on generated text, in memory that does not grow with it") {
  const std::size_t bytes = (testing::sanitized ? 4 : std::getenv("WEIR_NIGHTLY") ? 1000 : 64) * mega;
  const scratch s;
  generate(s / "text", bytes);
  const outcome done = compare_with_reference({s / "text"});
  if (testing::sanitized) return;
  // Under half of the input in any case, so that the small input shows it too.
  const std::size_t limit = std::min(100 * mega, bytes / 2);
  CHECK(static_cast<std::size_t>(done.peak_kib) * 1024 < limit);
}

TEST_CASE("a word across chunk borders is one word") {
  const scratch s;
  const std::size_t length = GENERATE(1, 7, 8, 9, 4'000, 200'000);
  std::string text(262'144 - length / 2 - 1, '.');
  text += std::string(length, 'X') + " " + std::string(262'144, '-') + std::string(length, 'x') +
          std::string(300'000, '\n');
  compare_with_reference({s.file("text", text)});
}
