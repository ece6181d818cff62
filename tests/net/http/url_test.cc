#include "weir/net/http/url.h"

#include <catch2/catch.hpp>
#include <string>

#include "weir/net/address.h"

using namespace weir;
using net::http::url;

TEST_CASE("a URL is read into its parts, and its text is read as the same URL") {
  struct sample {
    const char* text;
    const char* printed;
    const char* endpoint;
    const char* target;
    const char* authority;
  };
  const sample samples[] = {
      {"http://example.org", "http://example.org/", "example.org:80", "/", "example.org"},
      {"https://example.org", "https://example.org/", "example.org:443", "/", "example.org"},
      {"HTTP://EXAMPLE.org/A", "http://example.org/A", "example.org:80", "/A", "example.org"},
      {"http://h:80/", "http://h/", "h:80", "/", "h"},
      {"https://h:80/", "https://h:80/", "h:80", "/", "h:80"},
      {"https://h:443/", "https://h/", "h:443", "/", "h"},
      {"http://h:/", "http://h/", "h:80", "/", "h"},
      {"http://h:0080/", "http://h/", "h:80", "/", "h"},
      {"http://h:65535/", "http://h:65535/", "h:65535", "/", "h:65535"},
      {"http://127.0.0.1:8080/a?b=c#d", "http://127.0.0.1:8080/a?b=c#d", "127.0.0.1:8080", "/a?b=c", "127.0.0.1:8080"},
      {"http://[::1]/", "http://[::1]/", "[::1]:80", "/", "[::1]"},
      {"http://[0:0::0001]:8080/", "http://[::1]:8080/", "[::1]:8080", "/", "[::1]:8080"},
      {"http://[::FFFF:1.2.3.4]/", "http://[::ffff:1.2.3.4]/", "[::ffff:1.2.3.4]:80", "/", "[::ffff:1.2.3.4]"},
      {"http://a_b-c.example.org./", "http://a_b-c.example.org./", "a_b-c.example.org.:80", "/", "a_b-c.example.org."},
      {"http://h?q", "http://h/?q", "h:80", "/?q", "h"},
      {"http://h?", "http://h/?", "h:80", "/?", "h"},
      {"http://h#f", "http://h/#f", "h:80", "/", "h"},
      {"http://h/a/./b/../c", "http://h/a/c", "h:80", "/a/c", "h"},
      {"http://h/../../a", "http://h/a", "h:80", "/a", "h"},
      {"http://h/a/..", "http://h/", "h:80", "/", "h"},
      {"http://h/a/%2E%2e/b/%2e", "http://h/b/", "h:80", "/b/", "h"},
      {"http://h/a/.%2e.", "http://h/a/.%2e.", "h:80", "/a/.%2e.", "h"},
      {"http://h//a//b", "http://h//a//b", "h:80", "//a//b", "h"},
      {"http://h/a b/\xc3\xa4\"<>\\^`{|}", "http://h/a%20b/%C3%A4%22%3C%3E%5C%5E%60%7B%7C%7D", "h:80",
       "/a%20b/%C3%A4%22%3C%3E%5C%5E%60%7B%7C%7D", "h"},
      {"http://h/it's?it's", "http://h/it's?it%27s", "h:80", "/it's?it%27s", "h"},
      {"http://h/100%/%zz/%2", "http://h/100%/%zz/%2", "h:80", "/100%/%zz/%2", "h"},
      {"http://h/%41%7e", "http://h/%41%7e", "h:80", "/%41%7e", "h"},
      {"http://h/?a=/../b?c", "http://h/?a=/../b?c", "h:80", "/?a=/../b?c", "h"},
      {"http://h/a:b@c", "http://h/a:b@c", "h:80", "/a:b@c", "h"},
      {"http://h/#a#b?c", "http://h/#a#b?c", "h:80", "/", "h"},
  };
  for (const sample& s : samples) {
    INFO(s.text);
    const url got = url::parse(s.text);
    CHECK(got.text() == s.printed);
    CHECK(got.endpoint() == s.endpoint);
    CHECK(got.target() == s.target);
    CHECK(got.authority() == s.authority);
    CHECK(url::parse(got.text()) == got);
    CHECK(got.resolve("") == url::parse(got.text().substr(0, got.text().find('#'))));
  }
  const url all = url::parse("https://User.example:8443/p/a?q#f");
  CHECK(all.is_https());
  CHECK(all.host() == "user.example");
  CHECK(all.port() == 8443);
  CHECK(all.path() == "/p/a");
  CHECK(all.query() == "q");
  CHECK(all.fragment() == "f");
  CHECK(all.origin() == "https://user.example:8443");
  CHECK(url::parse("http://[::1]/").host() == "::1");
}

TEST_CASE("a text that is no URL is refused with what was expected, what was found, and the column") {
  struct sample {
    std::string text;
    std::string complaint;
    std::size_t column;
  };
  const std::string schemes = "expected \"http://\" or \"https://\"; found ";
  const std::string number = "expected an IPv4 address of four numbers from 0 to 255; found ";
  const sample samples[] = {
      {"", schemes + "nothing (column 1)", 1},
      {"example.org/x", schemes + "\"example.org/x\" without one (column 1)", 1},
      {"localhost:80/", schemes + "\"localhost:80/\" without one (column 1)", 1},
      {"/x", schemes + "\"/x\" without one (column 1)", 1},
      {" http://h/", schemes + "\" http://h/\" without one (column 1)", 1},
      {"ftp://h/", schemes + "\"ftp:\" (column 1)", 1},
      {"javascript:alert(1)", schemes + "\"javascript:\" (column 1)", 1},
      {"http:/h/", "expected \"//\" and a host after \"http:\"; found \"/h\" (column 6)", 6},
      {"http:h", "expected \"//\" and a host after \"http:\"; found \"h\" (column 6)", 6},
      {"http:\\\\h", "expected \"//\" and a host after \"http:\"; found \"\\\\\" (column 6)", 6},
      {"http://", "expected a host after \"//\"; found nothing (column 8)", 8},
      {"http:///x", "expected a host after \"//\"; found \"/\" (column 8)", 8},
      {"http://:80", "expected a host after \"//\"; found \":\" (column 8)", 8},
      {"http://a b/", "expected a host of letters, digits, '-', '.' and '_'; found \" \" (column 9)", 9},
      {"http://good\\bad/", "expected a host of letters, digits, '-', '.' and '_'; found \"\\\" (column 12)", 12},
      {"http://a%41/", "expected a host of letters, digits, '-', '.' and '_'; found \"%\" (column 9)", 9},
      {"http://\xc3\xa4/",
       "expected a host in ASCII (\"xn--...\", which an IDNA converter gives); found a byte beyond it (column 8)", 8},
      {"http://a..b/", "expected something between the dots of the host; found nothing (column 10)", 10},
      {"http://.a/", "expected something between the dots of the host; found nothing (column 8)", 8},
      {"http://" + std::string(254, 'a') + "/", "expected a host of at most 253 bytes; found 254 bytes (column 8)", 8},
      {"http://127.1/", number + "\"127.1\" (column 8)", 8},
      {"http://256.0.0.1/", number + "\"256.0.0.1\" (column 8)", 8},
      {"http://2130706433/", number + "\"2130706433\" (column 8)", 8},
      {"http://0x7f.0.0.0x1/", number + "\"0x7f.0.0.0x1\" (column 8)", 8},
      {"http://127.0.0.1./", number + "\"127.0.0.1.\" (column 8)", 8},
      {"http://[::1/", "expected an IPv6 address in the brackets; found \"::1\" (column 9)", 9},
      {"http://[127.0.0.1]/", "expected an IPv6 address in the brackets; found \"127.0.0.1\" (column 9)", 9},
      {"http://[]/", "expected an IPv6 address in the brackets; found nothing (column 9)", 9},
      {"http://[fe80::1%1]/", "expected an IPv6 address in the brackets; found \"fe80::1%1\" (column 9)", 9},
      {"http://[::1]x/", "expected ':', '/' or the end after ']'; found \"x\" (column 13)", 13},
      {"http://h:0/", "expected a port from 1 to 65535; found \"0\" (column 10)", 10},
      {"http://h:65536/", "expected a port from 1 to 65535; found \"65536\" (column 10)", 10},
      {"http://h:99999999999999999999/", "expected a port from 1 to 65535; found \"99999999999999999999\" (column 10)",
       10},
      {"http://h:8o/", "expected a port from 1 to 65535; found \"8o\" (column 10)", 10},
      {"http://h/a\nb", "expected no control characters; found \"\\x0a\" (column 11)", 11},
      {"ht\ttp://h/", "expected no control characters; found \"\\x09\" (column 3)", 3},
      {std::string("http://h/\0", 10), "expected no control characters; found \"\\x00\" (column 10)", 10},
  };
  for (const sample& s : samples) {
    INFO(s.text);
    try {
      const url got = url::parse(s.text);
      FAIL_CHECK("was read as " << got.text());
    } catch (const net::http::bad_url& e) {
      CHECK(e.what() == "URL \"" + net::printable(s.text) + "\": " + s.complaint);
      CHECK(e.column() == s.column);
    }
  }
  CHECK_THROWS_AS(url::parse("http://h/" + std::string(url::longest, 'a')), net::http::bad_url);
  CHECK(url::parse("http://h/" + std::string(url::longest - 9, 'a')).path().size() == url::longest - 8);
}

TEST_CASE("a user name or password in a URL is refused, and not repeated") {
  for (const char* text : {"http://root:hunter2@h/x", "https://root:hunter2@h", "http://root@h/"}) {
    try {
      url::parse(text);
      FAIL_CHECK("was read");
    } catch (const net::http::bad_url& e) {
      const std::string what = e.what();
      CHECK(what.find("Authorization") != what.npos);
      CHECK(what.find("root") == what.npos);
      CHECK(what.find("hunter2") == what.npos);
    }
  }
}

TEST_CASE("a reference is resolved as RFC 3986 has it in section 5.4") {
  const url base = url::parse("http://a/b/c/d;p?q");
  struct sample {
    const char* reference;
    const char* expected;
  };
  // The examples of 5.4.1 and 5.4.2, but for those whose scheme is neither http nor https.
  const sample samples[] = {
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q#s"},
      {"g#s", "http://a/b/c/g#s"},
      {"g?y#s", "http://a/b/c/g?y#s"},
      {";x", "http://a/b/c/;x"},
      {"g;x", "http://a/b/c/g;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y#s"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"g#s/./x", "http://a/b/c/g#s/./x"},
      {"g#s/../x", "http://a/b/c/g#s/../x"},
      // And what servers send.
      {"https://x.example/y", "https://x.example/y"},
      {"HTTP://X/y", "http://x/y"},
      {"//g:8080/h?i", "http://g:8080/h?i"},
      {"a b", "http://a/b/c/a%20b"},
      {"g:h/i/j k/../l", nullptr},
      {"./g:h", "http://a/b/c/g:h"},
      {"?", "http://a/b/c/d;p?"},
      {"/\xc3\xa4", "http://a/%C3%A4"},
      {"http:g", nullptr},
      {"mailto:x@y", nullptr},
      {"\\\\evil/x", nullptr},
      {"//", nullptr},
      {"//u:p@g/", nullptr},
  };
  for (const sample& s : samples) {
    INFO(s.reference);
    if (s.expected == nullptr)
      CHECK_THROWS_AS(base.resolve(s.reference), net::http::bad_url);
    else
      CHECK(base.resolve(s.reference).text() == s.expected);
  }
  CHECK(url::parse("https://a:8443/").resolve("//b/").text() == "https://b/");
  CHECK(url::parse("https://a:8443/x/y").resolve("z").text() == "https://a:8443/x/z");
}

TEST_CASE("percent-encoding keeps letters, digits and a few signs, and encodes every other byte") {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string encoded = net::http::percent_encode(all);
  CHECK(encoded.size() == 66 + (256 - 66) * 3);
  CHECK(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%") ==
        encoded.npos);
  CHECK(net::http::percent_encode("a b/c?d=\xc3\xa4~") == "a%20b%2Fc%3Fd%3D%C3%A4~");
  CHECK(url::parse("http://h/?q=" + net::http::percent_encode("a&b=c#d/..")).query() == "q=a%26b%3Dc%23d%2F..");
}
