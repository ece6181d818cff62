#include "examples/wordcount/options.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <string_view>

namespace wordcount {

const char* const help_text =
    R"(Usage: wordcount [--top N] [--json] [--workers N] [--quiet] [PATH...]

Counts the words in files and folders and prints the most frequent ones.
Without a PATH: /usr/share/common-licenses and /usr/share/doc.

  --top N      how many words to print, 0 or more (default: 10)
  --json       print one JSON object
  --workers N  threads that count, 1 to 1024 (default: one per core)
  --quiet      no progress; what cannot be read is still named
  --help       this text

A word is the longest run of letters, digits, apostrophes and bytes from 0x80
on; A to Z count as a to z. Equally frequent words come in the order of their
bytes. A word longer than 262144 bytes is counted in pieces of that length.

A file whose name ends in .gz is unpacked; bytes and MB/s (10^6 bytes) are
those of the text. Folders are entered; links, pipes and devices in them are
skipped, so that nothing is counted twice. A PATH that is a link is followed,
and what is given twice counts twice.

A file or folder that cannot be read is named on standard error, what could be
read of it and all the rest is counted, and the exit status is 1. Memory grows
with the number of different words, not with the size of the input.

In JSON a word that is not UTF-8 has each byte from 0x80 on as \u0080 to \u00ff.

Progress goes to standard error: a bar on a terminal (NO_COLOR is honoured),
else a line every 5 seconds.

Exit status: 0, 1 if something could not be read or written, 2 for bad options.
)";

namespace {

std::uint64_t number(std::string_view option, std::string_view text, std::uint64_t least, std::uint64_t most,
                     std::string_view remedy) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < least || value > most)
    throw usage_error(
        fmt::format("{} takes a whole number from {} to {}; got \"{}\". {}", option, least, most, text, remedy));
  return value;
}

}  // namespace

options parse_options(const std::vector<std::string>& arguments) {
  options o;
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    if (*at == "--") {
      o.paths.insert(o.paths.end(), at + 1, arguments.end());
      break;
    }
    if (!at->starts_with('-') || *at == "-") {
      o.paths.push_back(*at);
      continue;
    }
    // "--top=5" is "--top 5".
    const std::size_t equals = at->find('=');
    const std::string name = at->substr(0, equals);
    const auto value = [&]() -> std::string {
      if (equals != std::string::npos) return at->substr(equals + 1);
      if (at + 1 == arguments.end())
        throw usage_error(fmt::format("{} takes a value, and none follows. Write {} 5.", name, name));
      return *++at;
    };

    if (name == "--top") {
      o.top = number(name, value(), 0, 1'000'000'000, "For totals only, write --top 0.");
    } else if (name == "--workers") {
      o.workers = static_cast<int>(number(name, value(), 1, 1024, "For one per core, leave it out."));
    } else if (name != "--json" && name != "--quiet" && name != "--help") {
      throw usage_error(
          fmt::format("there is no option {}. See --help; a PATH that begins with - goes behind --.", *at));
    } else if (equals != std::string::npos) {
      throw usage_error(fmt::format("{} takes no value; got \"{}\". Write {}.", name, value(), name));
    } else {
      o.json |= name == "--json";
      o.quiet |= name == "--quiet";
      o.help |= name == "--help";
    }
  }
  if (o.paths.empty()) o.paths = {"/usr/share/common-licenses", "/usr/share/doc"};
  return o;
}

}  // namespace wordcount
