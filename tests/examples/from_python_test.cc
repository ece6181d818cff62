// What the snippets of examples/from_python print is what their Python originals print, and examples/README.md names
// each of them.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/examples/program.h"

using testing::content_of;
using testing::run;

namespace {

const std::string folder = "examples/from_python/";
const std::string page = "examples/README.md";

// The names of the files of that extension, without it.
std::set<std::string> names(const std::string& where, const std::string& extension) {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(where))
    if (entry.path().extension() == extension) found.insert(entry.path().stem());
  return found;
}

// What the first group of `pattern` matches, in the lines of the page that `line` matches.
std::vector<std::string> in_page(const std::string& line, const std::string& pattern) {
  std::vector<std::string> found;
  std::istringstream lines(content_of(page));
  const std::regex wanted_line(line), wanted(pattern);
  for (std::string text; std::getline(lines, text);)
    if (std::regex_search(text, wanted_line))
      for (std::sregex_iterator i(text.begin(), text.end(), wanted), end; i != end; ++i) found.push_back((*i)[1]);
  return found;
}

// The blocks of code of the page in that language.
std::vector<std::string> code_blocks(const std::string& language) {
  std::vector<std::string> found;
  std::istringstream lines(content_of(page));
  bool inside = false;
  for (std::string text; std::getline(lines, text);) {
    const bool fence = text.starts_with("```");
    if (fence && text == "```" + language) found.emplace_back();
    if (inside && !fence) found.back() += text + "\n";
    if (fence) inside = text == "```" + language;
  }
  return found;
}

// What the original prints. Debian's python3, as gevent and greenlet are installed for that one; isolated, so that a
// file of the folder does not stand in for a module.
std::string original(const std::string& name) {
  const std::string text = folder + name + ".txt";
  if (std::filesystem::exists(text)) return content_of(text);
  const auto done = run({"/usr/bin/python3", "-I", folder + name + ".py"});
  INFO("`examples/install tests` installs what the originals import");
  INFO(done.err);
  REQUIRE(done.status == 0);
  return done.out;
}

}  // namespace

TEST_CASE("each snippet prints what its Python original prints") {
  const auto snippets = names(folder, ".cc");
  REQUIRE(snippets.size() > 30);
  for (const std::string& name : snippets) DYNAMIC_SECTION(name) {
      const auto ours = run({folder + name});
      INFO(ours.err);
      CHECK(ours.status == 0);
      CHECK(!ours.out.empty());
      CHECK(ours.out == original(name));
    }
}

TEST_CASE("each snippet has its original, and each original its snippet") {
  const auto snippets = names(folder, ".cc");
  CHECK(snippets == names(folder, ".py"));
  for (const std::string& name : names(folder, ".txt")) CHECK(snippets.count(name) == 1);
}

TEST_CASE("each snippet has a row in the page, and each row a snippet") {
  const std::string row = "^\\|([^|]*\\|){4}$", link = "\\]\\(from_python/(\\w+)\\.cc\\)";
  const auto linked = in_page(row, link);
  CHECK(std::set(linked.begin(), linked.end()) == names(folder, ".cc"));
  for (const std::string& text : in_page(row, "^(.*)$")) {
    if (text.starts_with("| Python |") || text.starts_with("|---|")) continue;
    INFO(text);
    CHECK(std::regex_search(text, std::regex(link)));
  }
}

TEST_CASE("each example has a line in the page, and each link of the page leads somewhere") {
  const auto linked = in_page("", "\\]\\(([\\w./]+)\\)");
  for (const std::string& name : names("examples", ".cc")) {
    INFO(name);
    CHECK(std::count(linked.begin(), linked.end(), name + ".cc") == 1);
  }
  for (const std::string& target : linked) {
    INFO(target);
    CHECK(std::filesystem::exists("examples/" + target));
  }
}

TEST_CASE("each block of code of the page stands in a snippet or in its original") {
  const auto stands = [](const std::string& block, const std::string& extension) {
    const auto files = names(folder, extension);
    return std::any_of(files.begin(), files.end(), [&](const std::string& name) {
      return content_of(folder + name + extension).find(block) != std::string::npos;
    });
  };
  const auto ours = code_blocks("cpp"), theirs = code_blocks("python");
  REQUIRE(!ours.empty());
  REQUIRE(!theirs.empty());
  for (const std::string& block : ours) {
    INFO(block);
    CHECK(stands(block, ".cc"));
  }
  for (const std::string& block : theirs) {
    INFO(block);
    CHECK(stands(block, ".py"));
  }
}
