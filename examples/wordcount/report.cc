#include "examples/wordcount/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace wordcount {

namespace {

double megabytes_per_second(const report& r) { return static_cast<double>(r.bytes) / 1e6 / std::max(r.seconds, 1e-6); }

// Length of the UTF-8 sequence (RFC 3629, section 4) that the text begins with; 0 if it begins with none.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xbf; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) > 0x9f;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool too_high = lead == 0xf4 && byte(1) > 0x8f;
    return tail(1) && tail(2) && tail(3) && !overlong && !too_high ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// A word has no quote, backslash or control byte: only bytes that are not UTF-8 need care.
void append_json_word(std::string& out, std::string_view word) {
  if (is_utf8(word)) {
    out += word;
    return;
  }
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80)
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    else
      out += c;
  }
}

}  // namespace

std::string as_text(const report& r) {
  std::string out;
  for (const counted_word& w : r.top) {
    fmt::format_to(std::back_inserter(out), "{:>7} ", w.count);
    out += w.word;
    out += '\n';
  }
  if (!r.top.empty()) out += '\n';
  fmt::format_to(std::back_inserter(out), "{} file{}, {} bytes, {} words, {} distinct, {:.2f} s, {:.0f} MB/s\n",
                 r.files, r.files == 1 ? "" : "s", r.bytes, r.words, r.table.size(), r.seconds,
                 megabytes_per_second(r));
  if (r.faults > 0) fmt::format_to(std::back_inserter(out), "{} could not be read or only in part\n", r.faults);
  return out;
}

std::string as_json(const report& r) {
  std::string out = fmt::format(
      R"({{"files": {}, "bytes": {}, "words": {}, "distinct": {}, "faults": {}, "seconds": {:.6f}, "mb_per_second": {:.1f}, "top": [)",
      r.files, r.bytes, r.words, r.table.size(), r.faults, r.seconds, megabytes_per_second(r));
  const char* separator = "";
  for (const counted_word& w : r.top) {
    fmt::format_to(std::back_inserter(out), "{}{{\"word\": \"", separator);
    append_json_word(out, w.word);
    fmt::format_to(std::back_inserter(out), "\", \"count\": {}}}", w.count);
    separator = ", ";
  }
  return out + "]}\n";
}

}  // namespace wordcount
