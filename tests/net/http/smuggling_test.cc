// Messages that are wrong: each is refused with the rule, and none is repaired. Where two recipients may read the same
// bytes as different messages, one request can hide within another.
#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "tests/net/http/events.h"
#include "weir/net/http/reader.h"

using namespace weir::net::http;
using Catch::Contains;
using testing::events_of;

namespace {

struct row {
  rule broken;
  std::string bytes;
};

// What fails, as bytes go in one by one and all at once; both must say the same.
template <class Reader>
violation failure_of(const std::string& bytes, const limits& most = {}) {
  Reader whole(most), single(most);
  const auto at_once = events_of(whole, bytes);
  const auto one_by_one = events_of(single, bytes, [](std::size_t) { return 1; });
  CHECK(at_once == one_by_one);
  return whole.failure();
}

template <class Reader>
void check(const std::vector<row>& rows, const limits& most = {}) {
  for (const row& each : rows) {
    INFO(printable(each.bytes));
    const violation v = failure_of<Reader>(each.bytes, most);
    CHECK(describe(v.broken).name == describe(each.broken).name);
    CHECK_FALSE(v.value.empty());
    CHECK(v.offset <= each.bytes.size());
  }
}

// A request with these fields behind its Host.
std::string with(const std::string& fields, const std::string& first = "POST / HTTP/1.1") {
  return first + "\r\nHost: x\r\n" + fields + "\r\n";
}
std::string chunks(const std::string& body) { return with("Transfer-Encoding: chunked\r\n") + body; }

}  // namespace

TEST_CASE("lines that recipients read differently are refused") {
  using namespace std::string_literals;
  check<request_reader>({
      {rule::bare_lf, "GET / HTTP/1.1\nHost: x\n\n"},
      {rule::bare_lf, "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {rule::bare_lf, with("X: a\nContent-Length: 5\r\n")},
      {rule::bare_lf, "GET / HTTP/1.1\r\nHost: x\r\n\n"},
      {rule::bare_cr, with("X: a\rContent-Length: 5\r\n")},
      {rule::bare_cr, with("X: a\r\r\n")},
      {rule::bare_cr, "GET /\r HTTP/1.1\r\n"},
      {rule::folded_line, with("X: a\r\n b\r\n")},
      {rule::folded_line, with("X: a\r\n\tb\r\n")},
      {rule::folded_line, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
      {rule::folded_line, " GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {rule::control_character, with("X: a\0b\r\n"s)},
      {rule::control_character, with("X: a\x0b\r\n")},
      {rule::control_character, with("X\x7f: a\r\n")},
      {rule::control_character, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s},  // a client that speaks TLS
  });
}

TEST_CASE("first lines that recipients read differently are refused") {
  check<request_reader>({
      {rule::method_known, with("", "get / HTTP/1.1")},
      {rule::method_known, with("", "G(T / HTTP/1.1")},
      {rule::method_known, with("", "BREW / HTTP/1.1")},
      {rule::method_known, with("", "GET\t/ HTTP/1.1")},
      {rule::target_form, with("", "GET  / HTTP/1.1")},
      {rule::version_known, with("", "GET /a b HTTP/1.1")},
      {rule::target_form, with("", "GET / HTTP/1.1\r\nX: \xff").replace(5, 0, "\xff")},
      {rule::target_form, with("", "GET a HTTP/1.1")},
      {rule::target_form, with("", "GET * HTTP/1.1")},
      {rule::target_form, with("", "GET /#a HTTP/1.1")},
      {rule::target_form, with("", "GET ftp://x/ HTTP/1.1")},
      {rule::target_form, with("", "GET http:///a HTTP/1.1")},
      {rule::target_form, with("", "GET http://u@x/ HTTP/1.1")},
      {rule::target_form, with("", "CONNECT / HTTP/1.1")},
      {rule::version_known, with("", "GET / HTTP/1.2")},
      {rule::version_known, with("", "GET / HTTP/2.0")},
      {rule::version_known, with("", "GET / HTTP/0.9")},
      {rule::version_known, with("", "GET / http/1.1")},
      {rule::version_known, with("", "GET / HTTP/1.1 ")},
      {rule::version_known, with("", "GET / HTTP/1.10")},
      {rule::version_known, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
  });
}

TEST_CASE("fields that recipients read differently are refused") {
  check<request_reader>({
      {rule::field_line, with("X : a\r\n")},
      {rule::field_line, with("X\r\n")},
      {rule::field_line, with(": a\r\n")},
      {rule::field_line, with("X(Y): a\r\n")},
      {rule::field_line, with("X\xc3\xa4: a\r\n")},
      {rule::field_line, with("Content-Length : 5\r\n")},
      {rule::host_once, "GET / HTTP/1.1\r\n\r\n"},
      {rule::host_once, with("Host: y\r\n")},
      {rule::host_once, "GET / HTTP/1.0\r\nHost: x\r\nhost: x\r\n\r\n"},
      {rule::host_value, "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"},
      {rule::host_value, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
      {rule::host_value, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
  });
}

TEST_CASE("a body whose length could be read in two ways is refused") {
  check<request_reader>({
      {rule::length_and_encoding, with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
      {rule::length_and_encoding, with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")},
      {rule::length_and_encoding, with("Transfer-Encoding: x\r\nContent-Length: 5\r\n")},
      {rule::content_length, with("Content-Length: 5\r\nContent-Length: 6\r\n")},
      {rule::content_length, with("Content-Length: 5\r\ncontent-length: 5\r\n")},
      {rule::content_length, with("Content-Length: 5, 5\r\n")},
      {rule::content_length, with("Content-Length: +5\r\n")},
      {rule::content_length, with("Content-Length: -5\r\n")},
      {rule::content_length, with("Content-Length: 0x5\r\n")},
      {rule::content_length, with("Content-Length: 5 5\r\n")},
      {rule::content_length, with("Content-Length:\r\n")},
      {rule::content_length, with("Content-Length: 5;\r\n")},
      {rule::content_length, with("Content-Length: 18446744073709551621\r\n")},  // 2^64 + 5
      {rule::content_length, with("Content-Length: 9999999999999999999999999\r\n")},
      {rule::transfer_coding_known, with("Transfer-Encoding: gzip\r\n")},
      {rule::transfer_coding_known, with("Transfer-Encoding: xchunked\r\n")},
      {rule::transfer_encoding, with("Transfer-Encoding: gzip, chunked\r\n")},
      {rule::transfer_encoding, with("Transfer-Encoding: chunked, chunked\r\n")},
      {rule::transfer_encoding, with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
      {rule::transfer_encoding, with("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n")},
      {rule::transfer_encoding, with("Transfer-Encoding: identity\r\n")},
      {rule::transfer_encoding, with("Transfer-Encoding: \"chunked\"\r\n")},
      {rule::transfer_encoding, with("Transfer-Encoding: chunked;a\r\n")},
      {rule::transfer_encoding, with("Transfer-Encoding:\r\n")},
      {rule::transfer_encoding, with("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0")},
  });
}

TEST_CASE("chunks whose size could be read in two ways are refused") {
  check<request_reader>({
      {rule::chunk_size, chunks("\r\n")},
      {rule::chunk_size, chunks("x\r\n")},
      {rule::chunk_size, chunks("0x5\r\nhello\r\n")},
      {rule::chunk_size, chunks("+5\r\nhello\r\n")},
      {rule::chunk_size, chunks("-5\r\nhello\r\n")},
      {rule::chunk_size, chunks(" 5\r\nhello\r\n")},
      {rule::chunk_size, chunks("5 \r\nhello\r\n")},
      {rule::chunk_size, chunks("5 ;a\r\nhello\r\n")},
      {rule::chunk_size, chunks("5,\r\nhello\r\n")},
      {rule::chunk_size, chunks("10000000000000005\r\nhello\r\n")},  // 2^64 + 5: wraps to 5
      {rule::chunk_size, chunks("0000000000000005\r\nhello\r\n")},
      {rule::body_size, chunks("fffffffffffffff\r\nhello\r\n")},
      {rule::chunk_end, chunks("5\r\nhello!\r\n0\r\n\r\n")},
      {rule::chunk_end, chunks("5\r\nhello\n0\r\n\r\n")},
      {rule::chunk_end, chunks("5\r\nhello\rX")},
      {rule::chunk_end, chunks("3\r\nhello\r\n")},
      {rule::bare_lf, chunks("5\nhello\r\n")},
      {rule::bare_lf, chunks("5;a\nhello\r\n")},
      {rule::control_character, chunks("5;a\rb\r\nhello\r\n")},
      {rule::control_character, chunks(std::string("5;a\0b\r\nhello\r\n", 14))},
      {rule::bare_lf, chunks("0\r\n\n")},
      {rule::bare_lf, chunks("0\r\nX: y\n\r\n")},
      {rule::folded_line, chunks("0\r\n X: y\r\n\r\n")},
      {rule::field_line, chunks("0\r\nGET / HTTP/1.1\r\n\r\n")},
      {rule::field_line, chunks("0\r\nX : y\r\n\r\n")},
      {rule::trailer_field, chunks("0\r\nTransfer-Encoding: x\r\nContent-Length: 5\r\n\r\n")},
      {rule::trailer_field, chunks("0\r\nContent-Length: 5\r\n\r\n")},
      {rule::trailer_field, chunks("0\r\nX: y\r\nhost: y\r\n\r\n")},
  });
}

TEST_CASE("responses that no server sends are refused") {
  check<response_reader>({
      {rule::status_line, "HTTP/1.1 20 OK\r\n\r\n"},
      {rule::status_line, "HTTP/1.1 2000 OK\r\n\r\n"},
      {rule::status_line, "HTTP/1.1 099 OK\r\n\r\n"},
      {rule::status_line, "HTTP/1.1 600 OK\r\n\r\n"},
      {rule::status_line, "HTTP/1.1  200 OK\r\n\r\n"},
      {rule::version_known, "HTTP/1.1\r\n\r\n"},
      {rule::version_known, "ICY 200 OK\r\n\r\n"},
      {rule::version_known, "HTTP/3.1 200 OK\r\n\r\n"},
      {rule::bare_lf, "SSH-2.0-OpenSSH_9.2\n"},
      {rule::length_and_encoding, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {rule::content_length, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
      {rule::content_length, "HTTP/1.1 304 x\r\nContent-Length: x\r\n\r\n"},
  });
}

TEST_CASE("limits hold at the octet that breaks them and not before") {
  const auto last_good = [](const std::string& head, const limits& most) {
    request_reader in(most);
    events_of(in, head);
    return !in.failure();
  };
  const std::string first = "GET /" + std::string(100, 'a') + " HTTP/1.1\r\n", rest = "Host: x\r\n\r\n";
  CHECK(last_good(first + rest, {.start_line = first.size()}));
  CHECK_FALSE(last_good(first + rest, {.start_line = first.size() - 1}));
  CHECK(last_good(first + rest, {.head = first.size() + rest.size()}));
  CHECK_FALSE(last_good(first + rest, {.head = first.size() + rest.size() - 1}));
  CHECK(last_good("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n", {.fields = 2}));
  CHECK_FALSE(last_good("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n", {.fields = 1}));
  const std::string sized = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";
  CHECK(last_good(sized, {.body = 10}));
  CHECK_FALSE(last_good(sized, {.body = 9}));
  CHECK(last_good(chunks("5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n"), {.body = 10}));
  CHECK_FALSE(last_good(chunks("5\r\nhello\r\n5\r\n"), {.body = 9}));
  CHECK(last_good(chunks("5;abcd\r\nhello\r\n0\r\n\r\n"), {.chunk_line = 6}));
  CHECK_FALSE(last_good(chunks("5;abcd\r\n"), {.chunk_line = 5}));

  std::string empty_lines;
  for (int i = 0; i < 50'000; ++i) empty_lines += "\r\n";
  check<request_reader>({{rule::start_line_size, "GET /" + std::string(9000, 'a')},
                         {rule::start_line_size, std::string(9000, 'a')},
                         {rule::head_size, with("X: " + std::string(40'000, 'a'))},
                         {rule::head_size, empty_lines}},
                        {.start_line = 8192, .head = 32'768});
  std::string endless = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 200; ++i) endless += "X: y\r\n";
  check<request_reader>({{rule::field_count, endless}, {rule::field_count, chunks("0\r\n" + endless.substr(16))}});

  std::string extended;
  for (int i = 0; i < 200; ++i) extended += "1;" + std::string(100, 'e') + "\r\na\r\n";
  check<request_reader>({{rule::chunk_extensions, chunks(extended)},
                         {rule::chunk_line_size, chunks("5;" + std::string(300, 'e') + "\r\n")}});

  const violation v = failure_of<response_reader>("HTTP/1.0 200 OK\r\n\r\nabcdef", {.body = 5});
  CHECK(v.broken == rule::body_size);
  CHECK(v.offset == 24);
}

TEST_CASE("a violation says the rule, the value, the place and the remedy, and what a server answers") {
  const violation v = failure_of<request_reader>(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"));
  CHECK(v.text() ==
        "HTTP: a message must not have both Content-Length and Transfer-Encoding (RFC 9112, 6.3); got "
        "\"Transfer-Encoding: chunked\" at octet 45. Send one of them.");
  CHECK(v.answer() == status::bad_request);
  for (std::size_t i = 1; i < static_cast<std::size_t>(rule::count_of_rules); ++i) {
    const rule_text& t = describe(static_cast<rule>(i));
    CHECK_FALSE((t.name.empty() || t.sentence.empty() || t.section.empty() || t.remedy.empty()));
    CHECK(code_of(t.answer) >= 400);
  }
  CHECK(failure_of<request_reader>("GET /" + std::string(9000, 'a')).answer() == status::uri_too_long);
  CHECK(failure_of<request_reader>(with("", "BREW / HTTP/1.1")).answer() == status::not_implemented);
  CHECK(failure_of<request_reader>(with("", "GET / HTTP/2.0")).answer() == status::version_not_supported);
  CHECK(failure_of<request_reader>(with("X: " + std::string(40'000, 'a'))).answer() == status::header_fields_too_large);
  CHECK(failure_of<request_reader>(with("Content-Length: 999999999\r\n")).answer() == status::content_too_large);
}
