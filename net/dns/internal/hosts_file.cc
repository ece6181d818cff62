#include "weir/net/dns/internal/hosts_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "weir/net/dns/internal/host_name.h"

namespace weir::net::internal {
namespace {

// The next word of a line, which loses it; empty at the end.
std::string_view take_word(std::string_view& line) {
  constexpr std::string_view blanks = " \t\r\v\f";
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

hosts_file::hosts_file(std::string_view content) {
  while (!content.empty()) {
    std::string_view line = content.substr(0, content.find('\n'));
    content.remove_prefix(std::min(line.size() + 1, content.size()));
    line = line.substr(0, line.find('#'));
    const std::optional<address> at = address::ip(take_word(line), 0);
    if (!at) continue;
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
      std::optional<host_name> name = host_name_of(word);
      if (!name) continue;
      std::vector<address>& known = names_[std::move(name->text)];
      if (std::find(known.begin(), known.end(), *at) == known.end()) known.push_back(*at);
    }
  }
}

const std::vector<address>* hosts_file::find(const std::string& name) const {
  const auto found = names_.find(name);
  return found != names_.end() ? &found->second : nullptr;
}

}  // namespace weir::net::internal
