// fetch against an nginx that the test starts.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/examples/answers.h"
#include "tests/examples/nginx.h"
#include "tests/examples/program.h"
#include "tests/examples/terminal.h"
#include "tests/net/tls/certificates.h"

using testing::answers;
using testing::certificates;
using testing::content_of;
using testing::nginx;
using testing::outcome;
using testing::program;
using testing::run;
using testing::scratch;
using testing::shell;

namespace {

outcome fetch(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "examples/fetch");
  return run(std::move(arguments));
}

nginx serve(int files) {
  const certificates& all = certificates::get();
  return nginx(files, all.path("good.pem"), all.path("good.key"));
}

bool nightly() { return std::getenv("WEIR_NIGHTLY") != nullptr; }
// 200, or in the nightly lane 10 000.
int many() { return nightly() ? 10'000 : 200; }

double number_in(const std::string& json, const std::string& key) {
  const auto at = json.find("\"" + key + "\": ");
  REQUIRE(at != std::string::npos);
  return std::stod(json.substr(at + key.size() + 4));
}
// Those of the URLs.
std::vector<std::string> rows_of(const std::string& json) {
  std::vector<std::string> rows;
  std::istringstream lines(json);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("  {\"url\": ")) rows.push_back(line);
  return rows;
}
std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("fetch gets each of many URLs once over few connections, with few descriptors, and says what nginx says") {
  const certificates& all = certificates::get();
  const int at_once = nightly() ? 100 : 20;
  for (const bool tls : {false, true}) {
    nginx web = serve(many());
    const scratch folder;
    std::string list = "# the list\n\n";
    std::vector<std::string> expected;
    for (int i = 0; i < many(); ++i) {
      const std::string path = "/f/" + std::to_string(i);
      list += (tls ? web.https(path) : web.http(path)) + (i % 2 == 0 ? "\n" : "  \r\n");
      expected.push_back("200 " + path);
    }
    std::sort(expected.begin(), expected.end());
    // Each worker has some descriptors of its own; 20 requests at once take 20.
    const unsigned limit = static_cast<unsigned>(at_once) + 40 + 10 * std::max(1u, std::thread::hardware_concurrency());
    const outcome done = shell("ulimit -n " + std::to_string(limit) + "; exec examples/fetch --concurrency " +
                               std::to_string(at_once) + " --retries 0 --json --out '" + (folder / "out") + "' --ca '" +
                               all.path("ca.pem") + "' --file '" + folder.file("list", list) + "'");
    INFO(done.err << done.out.substr(0, 2000));
    CHECK(done.status == 0);
    CHECK(number_in(done.out, "urls") == many());
    CHECK(number_in(done.out, "fetched") == many());
    CHECK(number_in(done.out, "failed") == 0);
    CHECK(number_in(done.out, "200") == many());
    CHECK(number_in(done.out, "bytes") == many() * 1024);
    CHECK(web.stop() == expected);
    CHECK(web.connections() <= static_cast<std::size_t>(at_once));
    for (const int i : {0, 1, many() - 1}) {
      std::string number = std::to_string(i + 1);
      number.insert(0, 4 - std::min<std::size_t>(4, number.size()), '0');
      CHECK(content_of(folder / "out/" + number + "-127.0.0.1-f_" + std::to_string(i)) == nginx::content(i));
    }
  }
}

TEST_CASE("fetch reports exactly those that fail") {
  // Everything else gets as long as a silent server takes: nightly, where that is long.
  nginx web = serve(1);
  const testing::reserved_port silent(true), nobody;
  const scratch folder;
  std::string list;
  for (int i = 0; i < 100; ++i) {
    const std::string n = std::to_string(i);
    if (i % 20 == 3)
      list += web.http("/missing/" + n);
    else if (i % 20 == 7 && nightly())
      list += "http://127.0.0.1:" + silent.number() + "/silent/" + n;
    else if (i % 20 == 11)
      list += "http://127.0.0.1:" + nobody.number() + "/nobody/" + n;
    else if (i % 20 == 15)
      list += "no-url-" + n;
    else
      list += i % 2 == 0 ? web.http("/f/0?" + n) : web.http("/moved?" + n);
    list += "\n";
  }
  const std::string file = folder.file("list", list);
  const int bad = nightly() ? 20 : 15;
  const std::string timeout = nightly() ? "20s" : "5m";
  outcome done = fetch({"--timeout", timeout, "--json", "--file", file});
  INFO(done.out);
  CHECK(done.status == 1);
  CHECK(number_in(done.out, "failed") == bad);
  CHECK(number_in(done.out, "200") == 100 - bad);
  CHECK(number_in(done.out, "404") == 5);
  CHECK(number_in(done.out, "0") == bad - 5);
  for (const std::string& row : rows_of(done.out)) {
    const bool failed = row.find("\"error\": null") == row.npos;
    INFO(row);
    const auto says = [&](const char* part) { return row.find(part) != row.npos; };
    if (says("/missing/")) CHECK((failed && says("\"error\": \"Not Found\"")));
    if (says("/silent/")) CHECK((failed && says("\"error\": \"timeout: ") && says("waiting for the response")));
    if (says("/nobody/")) CHECK((failed && says("\"error\": \"connect: ")));
    if (says("no-url")) CHECK((failed && says("\"error\": \"bad_url: ")));
    if (says("/f/0") || says("/moved")) CHECK_FALSE(failed);
  }
  // The same in words: a line for each that has failed, and the summary.
  done = fetch({"--timeout", timeout, "--quiet", "--file", file});
  CHECK(done.status == 1);
  CHECK(count_of(done.out, "fail ") == static_cast<std::size_t>(bad - 5));
  CHECK(count_of(done.out, "404 ") == 5);
  CHECK(done.out.find("100 of 100 fetched: " + std::to_string(100 - bad) + " fine, " + std::to_string(bad) +
                      " failed; ") != std::string::npos);
  CHECK(done.out.find("\nlatency  p50 ") != std::string::npos);
  CHECK(done.out.find("|#") != std::string::npos);
  CHECK(done.err == "");
}

TEST_CASE("of many URLs fetch reports exactly those that fail, and none takes longer than it was given") {
  nginx web = serve(1);
  const testing::reserved_port silent(true);
  const scratch folder;
  std::string list;
  std::set<std::string> missing, stalled;
  for (int i = 0; i < many(); ++i) {
    std::string url = web.http("/f/0?" + std::to_string(i));
    // Everything else gets as long as a silent server takes: nightly, where that is long.
    if (i % 40 == 27 && nightly())
      stalled.insert(url = "http://127.0.0.1:" + silent.number() + "/" + std::to_string(i));
    else if (i % 40 == 7)
      missing.insert(url = web.http("/missing/" + std::to_string(i)));
    list += url + "\n";
  }
  const outcome done = fetch({"--concurrency", "100", "--timeout", nightly() ? "5s" : "5m", "--retries", "0", "--json",
                              "--file", folder.file("list", list)});
  CHECK(done.status == 1);
  CHECK(number_in(done.out, "fetched") == many());
  std::set<std::string> got_missing, got_stalled;
  for (const std::string& row : rows_of(done.out)) {
    if (row.find("\"error\": null") != row.npos) continue;
    const std::string url = row.substr(11, row.find('"', 11) - 11);
    INFO(row);
    if (number_in(row, "status") == 404) {
      got_missing.insert(url);
    } else {
      got_stalled.insert(url);
      CHECK(number_in(row, "ms") >= 5000);
      CHECK(number_in(row, "ms") <= 5100);
    }
  }
  CHECK(got_missing == missing);
  CHECK(got_stalled == stalled);
}

TEST_CASE("a server that is silent costs fetch the time it was given") {
  const testing::reserved_port silent(true);
  std::vector<std::string> arguments{"--timeout", "200ms", "--json"};
  for (int i = 0; i < 10; ++i) arguments.push_back("http://127.0.0.1:" + silent.number() + "/" + std::to_string(i));
  const outcome done = fetch(arguments);
  INFO(done.out);
  CHECK(done.status == 1);
  CHECK(count_of(done.out, "\"error\": \"timeout: the deadline came first (") == 10);
  CHECK(rows_of(done.out).size() == 10);
  for (const std::string& row : rows_of(done.out)) {
    CHECK(number_in(row, "ms") >= 200);
    // How late it may be only a machine with nothing else to do can tell.
    if (nightly()) CHECK(number_in(row, "ms") <= 300);
  }
}

TEST_CASE("the memory of fetch does not grow with the bodies") {
  nginx web = serve(1);
  web.add_large();
  const scratch folder;
  std::string list;
  for (int i = 0; i < 16; ++i) list += web.http(i % 2 == 0 ? "/large" : "/dense") + "\n";
  const std::string file = folder.file("list", list), out = folder / "out";
  const std::string wanted = content_of(web.folder() + "/www/large");
  for (const bool kept : {false, true}) {
    std::vector<std::string> arguments{"--timeout", "10m", "--json", "--file", file};
    if (kept) arguments.insert(arguments.end(), {"--out", out});
    const outcome done = fetch(arguments);
    INFO(done.out << done.err);
    CHECK(done.status == 0);
    CHECK(number_in(done.out, "bytes") == 16.0 * nginx::large_size);
    if (!testing::sanitized) CHECK(done.peak_kib < 64 * 1024);  // four of the bodies
  }
  CHECK(shell("ls '" + out + "' | wc -l").out == "16\n");
  for (const char* name : {"/0001-127.0.0.1-large", "/0002-127.0.0.1-dense"}) CHECK((content_of(out + name) == wanted));
}

TEST_CASE("fetch tries again as often as it may, also for a body that breaks off, and keeps no part of one") {
  const std::string busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  const std::string broken = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(90'000, 'x');
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole";
  const scratch folder;
  for (const bool breaks : {false, true}) {
    const std::string& fails = breaks ? broken : busy;
    const std::string out = folder / (breaks ? "broken" : "busy");
    {
      const answers web({fails, fails, whole});
      const outcome done = fetch({"--retries", "2", "--json", "--out", out, web.url("/x")});
      INFO(done.out);
      CHECK(done.status == 0);
      CHECK(web.asked() == 3);
      CHECK(number_in(done.out, "attempts") == 3);
      CHECK(number_in(done.out, "bytes") == 5);
      CHECK(content_of(out + "/0001-127.0.0.1-x") == "whole");
      CHECK(shell("ls -A '" + out + "'").out == "0001-127.0.0.1-x\n");
    }
    for (const std::string retries : {"1", "0"}) {
      const answers web({fails, fails, whole});
      const outcome done = fetch({"--retries", retries, "--json", "--out", out + retries, web.url("/x")});
      INFO(done.out);
      CHECK(done.status == 1);
      CHECK(web.asked() == std::stoul(retries) + 1);
      CHECK(number_in(done.out, "attempts") == std::stod(retries) + 1);
      CHECK(done.out.find(breaks ? "\"error\": \"truncated: " : "\"error\": \"Busy\"") != std::string::npos);
      CHECK(shell("ls -A '" + out + retries + "'").out == "");
    }
  }
}

TEST_CASE("fetch has no more connections to one host than it may") {
  nginx web = serve(1);
  std::vector<std::string> arguments{
      "--concurrency", "8", "--per-host", "2", "--json", "--ca", certificates::get().path("ca.pem")};
  for (int i = 0; i < 4; ++i)
    for (const std::string& url : {web.http("/slow?plain"), web.https("/slow?tls")}) arguments.push_back(url);
  const outcome done = fetch(arguments);
  CHECK(done.status == 0);
  CHECK(number_in(done.out, "200") == 8);
  CHECK(web.stop().size() == 8);
  CHECK(web.connections("?plain") <= 2);
  CHECK(web.connections("?tls") <= 2);
}

TEST_CASE("fetch begins no more in a second than it may") {
  nginx web = serve(1);
  std::vector<std::string> arguments{"--rate", "20", "--json"};
  for (int i = 0; i < 20; ++i) arguments.push_back(web.http("/f/0?" + std::to_string(i)));
  const std::chrono::duration<double> begin = std::chrono::system_clock::now().time_since_epoch();
  const outcome done = fetch(arguments);
  CHECK(done.status == 0);
  CHECK(number_in(done.out, "seconds") >= 0.95);
  REQUIRE(web.stop().size() == 20);
  // Whatever keeps one of them, it was through no sooner than it could begin. nginx tells whole milliseconds.
  for (std::size_t i = 0; i < 20; ++i) CHECK(web.log()[i].at >= begin.count() + 0.05 * static_cast<double>(i) - 0.001);
}

TEST_CASE("fetch believes no certificate of a CA it was not told of, and inflates what comes as gzip") {
  nginx web = serve(1);
  outcome done = fetch({"--quiet", web.https("/f/0")});
  CHECK(done.status == 1);
  CHECK(done.out.find("tls: ") != std::string::npos);
  done = fetch({"--ca", certificates::get().path("ca.pem"), web.https("/packed"), web.https("/moved")});
  INFO(done.out);
  CHECK(done.status == 0);
  CHECK(done.out.find("200 ") == 0);
  CHECK(done.out.find("2 of 2 fetched: 2 fine, 0 failed; 101 kB") != std::string::npos);
  CHECK(fetch({"--ca", "/nowhere.pem", web.https("/")}).status == 1);
}

TEST_CASE("Ctrl-C lets fetch begin nothing more, wait for what is under way and report; a second one does not wait") {
  nginx web = serve(1);
  const scratch folder;
  std::string list;
  for (int i = 0; i < 10'000; ++i) list += web.http("/f/0?" + std::to_string(i)) + "\n";
  const std::string file = folder.file("list", list), out = folder / "result";
  {
    program running({"examples/fetch", "--rate", "20", "--json", "--file", file}, out);
    // It has begun when nginx has served one.
    while (content_of(web.folder() + "/access").empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    running.send(SIGINT);
    CHECK(running.wait().status == 130);
    const std::string json = content_of(out);
    CHECK(json.find("\"stopped\": true") != std::string::npos);
    CHECK(number_in(json, "fetched") >= 1);
    CHECK(number_in(json, "fetched") < 10'000);
    CHECK(number_in(json, "failed") == 0);
  }
  const testing::reserved_port silent(true);
  // With job control, as else SIGINT is ignored. Again and again, as two that come at once are one. Not before it has
  // said of the other URL that it is there.
  const outcome done = shell("set -m\nexamples/fetch --timeout 60m 'http://127.0.0.1:" + silent.number() + "/' '" +
                             web.http("/f/0?begun") + "' >'" + out + "' &\npid=$!\nuntil grep -q begun '" + out +
                             "'; do sleep 0.05; done\nwhile kill -INT $pid 2>/dev/null; do sleep 0.2; done\nwait $pid");
  INFO(done.err);
  CHECK(done.status == 130);
  CHECK(content_of(out).find(" of 2 fetched, then stopped: ") != std::string::npos);
  CHECK(content_of(out).find("begun") != std::string::npos);
}

TEST_CASE("after Ctrl-C what is under way comes to its end") {
  nginx web = serve(1);
  const scratch folder;
  std::string list;
  for (int i = 0; i < 1000; ++i) list += web.http("/slow?" + std::to_string(i)) + "\n";
  const std::string result = folder / "result", out = folder / "out";
  program running({"examples/fetch", "--concurrency", "3", "--json", "--out", out, "--file", folder.file("list", list)},
                  result);
  // A second before its end, part of a body is there.
  while (shell("ls '" + out + "' | grep -q part").status != 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  running.send(SIGINT);
  CHECK(running.wait().status == 130);
  const std::string json = content_of(result);
  INFO(json);
  CHECK(number_in(json, "fetched") >= 1);
  CHECK(number_in(json, "fetched") < 1000);
  CHECK(number_in(json, "failed") == 0);
  CHECK(static_cast<double>(web.stop().size()) == number_in(json, "fetched"));
  for (const nginx::served& one : web.log()) {
    CHECK(one.line.find("200 /slow?") == 0);
    CHECK(one.bytes == nginx::slow_size);
  }
  CHECK(static_cast<double>(std::stoul(shell("ls -A '" + out + "' | grep -vc part").out)) ==
        number_in(json, "fetched"));
}

TEST_CASE("on a terminal fetch shows how far it is, and takes that away at the end") {
  setenv("TERM", "xterm", 1);
  nginx web = serve(1);
  testing::terminal t(100, 24);
  const scratch folder;
  program running({"examples/fetch", web.http("/f/0"), web.http("/missing")}, folder / "out", t.path());
  CHECK(running.wait().status == 1);
  CHECK(t.screen().find("2 of 2, 1 failed, ") != std::string::npos);
  CHECK(content_of(folder / "out").find("2 of 2 fetched: 1 fine, 1 failed; ") != std::string::npos);
}

TEST_CASE("fetch says what it takes") {
  CHECK(fetch({"--help"}).out.find("Usage: fetch") == 0);
  struct sample {
    std::vector<std::string> arguments;
    const char* says;
  };
  for (const sample& x :
       {sample{{}, "there is nothing to fetch"}, sample{{"--timeout", "1h", "x"}, "takes a time from 1ms"},
        sample{{"--timeout", "-1s", "x"}, "got \"-1s\""},
        sample{{"--concurrency=0", "x"}, "from 1 to 10000; got \"0\""}, sample{{"--rate"}, "--rate takes a value"},
        sample{{"--json=1"}, "--json takes no value"}, sample{{"--no"}, "there is no option --no"}}) {
    const outcome done = fetch(x.arguments);
    INFO(done.err);
    CHECK(done.status == 2);
    CHECK(done.err.find("fetch: ") == 0);
    CHECK(done.err.find(x.says) != std::string::npos);
  }
  CHECK(fetch({"--file", "/nowhere"}).status == 1);
}
