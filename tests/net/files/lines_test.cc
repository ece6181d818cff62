// weir::net::line_range.
#include "weir/net/files/lines.h"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/folder.h"
#include "tests/testing.h"
#include "weir/net/error.h"
#include "weir/net/files/file.h"

namespace {

using testing::folder;
using testing::in_actor;
using weir::net::file;
using strings = std::vector<std::string>;

strings lines_of(const std::string& path, weir::net::line_options options = {}) {
  strings all;
  for (std::string& line : file(path).lines(options)) all.push_back(std::move(line));
  return all;
}

}  // namespace

TEST_CASE("lines come without their end, the last one also without one") {
  const folder here;
  in_actor([&] {
    CHECK(lines_of(here.file("a", "")).empty());
    CHECK(lines_of(here.file("a", "\n")) == strings{""});
    CHECK(lines_of(here.file("a", "one\ntwo")) == strings{"one", "two"});
    CHECK(lines_of(here.file("a", "one\ntwo\n")) == strings{"one", "two"});
    CHECK(lines_of(here.file("a", "\n\r\n\nx")) == strings{"", "\r", "", "x"});
    CHECK(lines_of(here.file("a", std::string("a\0b\nc", 5))) == strings{std::string("a\0b", 3), "c"});
  });
}

TEST_CASE("lines of all lengths around the size of the buffer come whole") {
  const folder here;
  strings written;
  std::string content;
  for (const std::size_t size : {0u, 1u, 65534u, 65535u, 65536u, 65537u, 3u, 131072u, 200000u, 0u, 5u}) {
    written.push_back(std::string(size, static_cast<char>('a' + written.size())));
    content += written.back() + '\n';
  }
  in_actor([&] { CHECK((lines_of(here.file("a", content)) == written)); });
}

TEST_CASE("a line beyond the bound is an error, and memory stays bounded") {
  const folder here;
  const std::string a = here.file("a", "short\n" + std::string(1000, 'x') + "\n");
  in_actor([&] {
    CHECK(lines_of(a, {.longest = 1000}).size() == 2);
    try {
      lines_of(a, {.longest = 999});
      FAIL_CHECK("nothing was thrown");
    } catch (const weir::net::error& e) {
      CHECK(e.code() == weir::net::errc::too_long);
      CHECK(e.subject() == a);
    }
  });
}

TEST_CASE("what is appended after the end was seen is read by a range that goes on") {
  const folder here;
  const std::string a = here.file("a", "one\ntw");
  in_actor([&] {
    file in(a), out(a, weir::net::open_mode::append);
    weir::net::line_range lines = in.lines();
    CHECK(*lines.next() == "one");
    CHECK(*lines.next() == "tw");
    CHECK(lines.next() == nullptr);
    CHECK(out.write_all("o\nthree\n"));
    CHECK(*lines.next() == "o");
    CHECK(*lines.next() == "three");
    CHECK(lines.next() == nullptr);
  });
}
