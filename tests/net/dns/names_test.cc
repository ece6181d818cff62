// What a resolver knows without asking: names, hosts files, the cache, the order of addresses.
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "weir/net/dns/internal/answer_cache.h"
#include "weir/net/dns/internal/attempt_order.h"
#include "weir/net/dns/internal/host_name.h"
#include "weir/net/dns/internal/hosts_file.h"

namespace {

using namespace std::chrono_literals;
using weir::net::address;
using weir::net::internal::answer;
using weir::net::internal::answer_cache;
using weir::net::internal::attempt_order;
using weir::net::internal::host_name_of;
using weir::net::internal::hosts_file;
using addresses = std::vector<address>;

address at(const char* text) { return *address::ip(text, 0); }
answer answer_of(const char* text, std::chrono::seconds good_for) {
  return {.addresses = {at(text)}, .failure = {}, .good_for = good_for};
}

}  // namespace

TEST_CASE("a host name is letters, digits, '-', '_' in labels of bounded length, and nothing else is one") {
  const std::string label(63, 'a');
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'b');
  for (const std::string& good :
       {std::string("a"), std::string("a.b"), std::string("_srv._tcp.x-1.example"), label, longest})
    CHECK(host_name_of(good)->text == good);
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("a..b"), std::string(".a"), std::string("a.."), std::string("a b"),
        std::string("a\0b", 3),
        std::string("b\xc3\xbc"
                    "cher.example"),
        std::string("a/b"), std::string("[::1]"), label + 'a', longest + 'b', std::string("a%b")})
    CHECK_FALSE(host_name_of(bad).has_value());
  CHECK(host_name_of("Example.COM")->text == "example.com");
  CHECK_FALSE(host_name_of("a.b")->absolute);
  CHECK(host_name_of("a.b.")->absolute);
  CHECK(host_name_of("a.b.")->text == "a.b");
}

TEST_CASE("a hosts file gives each name its addresses, and lines that make no sense are left out") {
  const hosts_file hosts(
      "# comment\n127.0.0.1\tlocalhost  LoopBack # more\n::1 localhost\n\n  10.0.0.1 one two\r\n10.0.0.2 one\n"
      "10.0.0.1 one\nnonsense line\n10.0.0.3\n300.0.0.1 three\n10.0.0.4 bad/name good\n10.0.0.5 last");
  CHECK(*hosts.find("localhost") == addresses{at("127.0.0.1"), at("::1")});
  CHECK(*hosts.find("loopback") == addresses{at("127.0.0.1")});
  CHECK(*hosts.find("one") == addresses{at("10.0.0.1"), at("10.0.0.2")});
  CHECK(*hosts.find("two") == addresses{at("10.0.0.1")});
  CHECK(*hosts.find("good") == addresses{at("10.0.0.4")});
  CHECK(*hosts.find("last") == addresses{at("10.0.0.5")});
  CHECK(hosts.find("three") == nullptr);
  CHECK(hosts.find("line") == nullptr);
  CHECK(hosts.size() == 6);
  CHECK(hosts_file("").size() == 0);
}

TEST_CASE("an answer is known for as long as it is good, and the name not asked for the longest goes first") {
  answer_cache cache(2);
  cache.put("a", answer_of("10.0.0.1", 1h));
  cache.put("b", answer_of("10.0.0.2", 1h));
  CHECK(cache.find("a")->addresses == addresses{at("10.0.0.1")});
  cache.put("c", answer_of("10.0.0.3", 1h));
  CHECK_FALSE(cache.find("b").has_value());
  CHECK(cache.find("a").has_value());
  CHECK(cache.find("c").has_value());
  cache.put("a", answer_of("10.0.0.9", 1h));
  CHECK(cache.find("a")->addresses == addresses{at("10.0.0.9")});
  CHECK(cache.size() == 2);
  cache.put("now", answer_of("10.0.0.1", 0s));
  CHECK_FALSE(cache.find("now").has_value());
  // Again, if this thread stood still for the second between the two.
  do cache.put("short", answer_of("10.0.0.1", 1s));
  while (!cache.find("short"));
  while (cache.find("short")) std::this_thread::yield();  // the test's time limit is the limit
  cache.clear();
  CHECK(cache.size() == 0);
  answer_cache none(0);
  none.put("a", answer_of("10.0.0.1", 1h));
  CHECK_FALSE(none.find("a").has_value());
}

TEST_CASE("the families take turns, IPv6 first, and one without a route comes last") {
  const addresses v6{at("::1"), at("::2"), at("::3")}, v4{at("10.0.0.1")};
  CHECK(attempt_order(v6, true, v4, true) == addresses{at("::1"), at("10.0.0.1"), at("::2"), at("::3")});
  CHECK(attempt_order(v6, false, v4, false) == addresses{at("::1"), at("10.0.0.1"), at("::2"), at("::3")});
  CHECK(attempt_order(v6, false, v4, true) == addresses{at("10.0.0.1"), at("::1"), at("::2"), at("::3")});
  CHECK(attempt_order({}, true, v4, true) == v4);
  CHECK(attempt_order(v6, true, {}, false) == v6);
  CHECK(attempt_order({}, false, {}, false).empty());
  // The loopback always has a route.
  CHECK(attempt_order({}, {at("127.0.0.1")}) == addresses{at("127.0.0.1")});
}
