#include "weir/net/http/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <utility>

using namespace weir;
using net::http::content_coding;
using net::http::content_decoder;
using net::http::decode_status;

namespace {

enum class form { gzip, zlib, raw };

std::string deflated(const std::string& text, form f) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, 9, Z_DEFLATED,
                       f == form::gzip   ? 31
                       : f == form::zlib ? 15
                                         : -15,
                       9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string made(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data())), z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(made.data()), z.avail_out = static_cast<uInt>(made.size());
  REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  made.resize(z.total_out);
  deflateEnd(&z);
  return made;
}

struct decoded {
  std::string text;
  decode_status status;
};

// Gives it `in_step` bytes at a time, and room for `out_step`.
decoded decode(content_decoder& d, const std::string& in, std::size_t in_step, std::size_t out_step) {
  decoded made{};
  std::string room(out_step, '\0');
  for (std::size_t at = 0; at < in.size();) {
    const std::string_view part = std::string_view(in).substr(at, in_step);
    const auto step = d.decode(part, room);
    REQUIRE(step.consumed <= part.size());
    REQUIRE(step.produced <= room.size());
    made.text.append(room, 0, step.produced);
    made.status = step.status;
    if (step.status != decode_status::more && step.status != decode_status::done) return made;
    at += step.consumed;
    REQUIRE((step.consumed > 0 || step.produced > 0));
  }
  // What did not fit at the last step.
  for (;;) {
    const auto step = d.decode({}, room);
    made.text.append(room, 0, step.produced);
    made.status = step.status;
    if (step.produced < room.size()) break;
  }
  if (made.status == decode_status::more || made.status == decode_status::done) made.status = d.finish();
  return made;
}
decoded decode(content_coding c, const std::string& in, std::size_t in_step = 4096, std::size_t out_step = 4096) {
  content_decoder d(c);
  return decode(d, in, in_step, out_step);
}

// Some of it repeats, some does not.
std::string sample_text(std::size_t size) {
  std::mt19937 dice(7);
  std::string made;
  while (made.size() < size) {
    if (dice() % 2 == 0)
      made += "weir holds a river at a level. ";
    else
      made += static_cast<char>(dice());
  }
  made.resize(size);
  return made;
}

}  // namespace

TEST_CASE("every coding is decoded, whatever the sizes of the pieces") {
  const std::string text = sample_text(5000);
  for (const std::size_t in_step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{5000}})
    for (const std::size_t out_step : {std::size_t{1}, std::size_t{3}, std::size_t{1000}, std::size_t{9000}}) {
      INFO(in_step << " in, " << out_step << " out");
      for (const auto& [coding, in] :
           {std::pair(content_coding::gzip, deflated(text, form::gzip)),
            std::pair(content_coding::deflate, deflated(text, form::zlib)),
            std::pair(content_coding::deflate, deflated(text, form::raw)), std::pair(content_coding::identity, text)}) {
        const decoded got = decode(coding, in, in_step, out_step);
        CHECK(got.status == decode_status::done);
        CHECK(got.text == text);
      }
    }
}

TEST_CASE("an empty text in every coding, and an empty body of any") {
  for (const content_coding c : {content_coding::identity, content_coding::gzip, content_coding::deflate})
    CHECK(content_decoder(c).finish() == decode_status::done);
  CHECK(decode(content_coding::gzip, deflated("", form::gzip)).status == decode_status::done);
  CHECK(decode(content_coding::deflate, deflated("", form::zlib)).status == decode_status::done);
  CHECK(decode(content_coding::deflate, deflated("", form::raw)).status == decode_status::done);
}

TEST_CASE("a gzip body may have several members and be padded with zeros, and has nothing else behind it") {
  const std::string a = deflated("first, ", form::gzip), b = deflated("second", form::gzip);
  for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
    const decoded two = decode(content_coding::gzip, a + b, step);
    CHECK(two.status == decode_status::done);
    CHECK(two.text == "first, second");
    CHECK(decode(content_coding::gzip, a + std::string(100, '\0'), step).status == decode_status::done);
    CHECK(decode(content_coding::gzip, a + "x", step).status == decode_status::damaged);
    CHECK(decode(content_coding::gzip, a + b.substr(0, 1), step).status == decode_status::damaged);
    CHECK(decode(content_coding::deflate, deflated("t", form::zlib) + "x", step).status == decode_status::damaged);
  }
}

TEST_CASE("what is cut off anywhere is damaged, and never done") {
  const std::string text = sample_text(300);
  for (const auto& [coding, in] : {std::pair(content_coding::gzip, deflated(text, form::gzip)),
                                   std::pair(content_coding::deflate, deflated(text, form::zlib)),
                                   std::pair(content_coding::deflate, deflated(text, form::raw))})
    for (std::size_t n = 1; n < in.size(); ++n) {
      INFO(n << " of " << in.size());
      CHECK(decode(coding, in.substr(0, n)).status == decode_status::damaged);
    }
}

TEST_CASE("a byte that is changed is found out or is one that says nothing of the text") {
  const std::string text = sample_text(300), in = deflated(text, form::gzip);
  for (std::size_t at = 0; at < in.size(); ++at) {
    std::string other = in;
    other[at] = static_cast<char>(other[at] ^ 0x41);
    const decoded got = decode(content_coding::gzip, other);
    INFO("byte " << at);
    // A gzip header has a time and a system in it, which nothing checks (RFC 1952, section 2.3).
    CHECK((got.status == decode_status::damaged || (at >= 4 && at < 10 && got.text == text)));
  }
  CHECK(decode(content_coding::gzip, "no gzip at all").status == decode_status::damaged);
  CHECK(decode(content_coding::gzip, deflated(text, form::zlib)).status == decode_status::damaged);
  CHECK(decode(content_coding::deflate, deflated(text, form::gzip)).status == decode_status::damaged);
}

TEST_CASE("a damaged body stays damaged") {
  content_decoder d(content_coding::gzip);
  std::string room(100, '\0');
  CHECK(d.decode("nonsense", room).status == decode_status::damaged);
  CHECK(d.decode(deflated("fine", form::gzip), room).status == decode_status::damaged);
  CHECK(d.finish() == decode_status::damaged);
}

TEST_CASE("a bomb is stopped by its size or its ratio, with no more inflated than was room for") {
  const std::string bomb = deflated(std::string(20'000'000, '\0'), form::gzip);
  REQUIRE(bomb.size() < 30'000);
  for (const std::size_t step : {std::size_t{100}, std::size_t{100'000}}) {
    content_decoder by_ratio(content_coding::gzip);
    const decoded dense = decode(by_ratio, bomb, step, 4096);
    CHECK(dense.status == decode_status::too_dense);
    CHECK(dense.text.size() <= (std::size_t{1} << 20) + 200 * bomb.size() + 4096);

    content_decoder by_size(content_coding::gzip, {.most = 1'000'000, .most_ratio = 0});
    const decoded large = decode(by_size, bomb, step, 4096);
    CHECK(large.status == decode_status::too_long);
    CHECK(large.text.size() > 1'000'000);
    CHECK(large.text.size() <= 1'000'000 + 4096);
    std::string room(100, '\0');
    const auto again = by_size.decode(bomb, room);
    CHECK(again.status == decode_status::too_long);
    CHECK(again.produced == 0);

    content_decoder allowed(content_coding::gzip, {.most_ratio = 0});
    CHECK(decode(allowed, bomb, step, 65536).text.size() == 20'000'000);
  }
  content_decoder plain(content_coding::identity, {.most = 10});
  CHECK(decode(plain, std::string(10, 'x'), 4, 4).status == decode_status::done);
  content_decoder plain_too_long(content_coding::identity, {.most = 10});
  CHECK(decode(plain_too_long, std::string(11, 'x'), 4, 4).status == decode_status::too_long);
}

TEST_CASE("Content-Encoding is read in any case, and what is not known is said to be so") {
  for (const char* text : {"gzip", "GZIP", "x-gzip", " gzip\t"})
    CHECK(net::http::coding_of(text) == content_coding::gzip);
  CHECK(net::http::coding_of("Deflate") == content_coding::deflate);
  CHECK(net::http::coding_of("identity") == content_coding::identity);
  CHECK(net::http::coding_of("") == content_coding::identity);
  for (const char* text : {"br", "gzip, gzip", "gzip;q=1", "gzipped", "g zip"}) CHECK(!net::http::coding_of(text));
}
