// screen: what a user sees of what a program has sent to a terminal.
//
// Thread-safety: none.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace testing {

// As much of an ECMA-48 terminal as the programs here use. An escape sequence that it does not know fails the test.
class screen {
 public:
  explicit screen(std::string_view sent, std::size_t columns = 100, std::size_t rows = 24)
      : columns_(columns), rows_(rows), lines_(1) {
    while (!sent.empty()) sent.remove_prefix(take(sent));
  }

  // All rows, those that were scrolled out included, without spaces at their ends, and without empty ones at the end.
  std::vector<std::string> lines() const {
    std::vector<std::string> shown;
    for (const std::vector<std::string>& cells : lines_) {
      std::string line;
      for (const std::string& cell : cells) line += cell;
      while (line.ends_with(' ')) line.pop_back();
      shown.push_back(line);
    }
    while (!shown.empty() && shown.back().empty()) shown.pop_back();
    return shown;
  }
  std::string text() const {
    std::string all;
    for (const std::string& line : lines()) all += line + "\n";
    return all;
  }

 private:
  std::size_t take(std::string_view sent) {
    const char c = sent.front();
    if (c == '\x1b') return escape(sent);
    if (c == '\r') return column_ = 0, 1;
    if (c == '\n') return down(), 1;
    REQUIRE(static_cast<unsigned char>(c) >= 0x20);
    std::size_t bytes = 1;
    while (bytes < sent.size() && (static_cast<unsigned char>(sent[bytes]) & 0xc0) == 0x80) ++bytes;
    if (column_ == columns_) column_ = 0, down();  // wraps
    put(std::string(sent.substr(0, bytes)));
    return bytes;
  }

  std::size_t escape(std::string_view sent) {
    REQUIRE(sent.size() >= 2);
    if (sent[1] == 'D') return down(), 2;
    if (sent[1] == '7') return kept_row_ = row_ - top(), kept_column_ = column_, 2;
    if (sent[1] == '8') return row_ = top() + kept_row_, column_ = kept_column_, 2;
    REQUIRE(sent[1] == '[');
    const std::size_t end = sent.find_first_not_of("0123456789;", 2);
    REQUIRE(end != std::string_view::npos);
    const std::string number(sent.substr(2, end - 2));
    const std::size_t n = number.empty() ? 1 : static_cast<std::size_t>(std::stoi(number));
    switch (sent[end]) {
      case 'A':
        row_ = std::max(row_ >= n ? row_ - n : 0, top());
        break;
      case 'B':
        row_ = std::min(row_ + n, top() + rows_ - 1);
        make_row();
        break;
      case 'J':
        lines_.resize(row_ + 1);
        [[fallthrough]];
      case 'K':
        if (column_ < lines_[row_].size()) lines_[row_].resize(column_);
        break;
      case 'm':
        break;
      default:
        FAIL("unknown escape sequence ESC [ ... " << sent[end]);
    }
    return end + 1;
  }

  // The first row that is in the window.
  std::size_t top() const { return first_; }
  void make_row() {
    if (lines_.size() <= row_) lines_.resize(row_ + 1);
  }
  void down() {
    ++row_;
    if (row_ == first_ + rows_) ++first_;
    make_row();
  }
  void put(std::string cell) {
    std::vector<std::string>& line = lines_[row_];
    if (line.size() <= column_) line.resize(column_ + 1, " ");
    line[column_++] = std::move(cell);
  }

  const std::size_t columns_, rows_;
  std::vector<std::vector<std::string>> lines_;
  std::size_t first_ = 0, row_ = 0, column_ = 0;
  std::size_t kept_row_ = 0, kept_column_ = 0;
};

}  // namespace testing
